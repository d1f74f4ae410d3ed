"""Prepare test images from another distribution, once for all models of their data set."""

from pathlib import Path

from filterfreq.data.shifted.prepared import PreparedShift
from filterfreq.data.shifted.registry import get_shifted, prepare_shifted
from filterfreq.runtime.files import record_folder
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    entry = get_shifted(snakemake.wildcards.shifted, snakemake.config.get("data"), snakemake.wildcards.dataset)
    raw_folder = Path(snakemake.input.raw[0]).parent if snakemake.input.raw else Path(".")
    prepare_shifted(entry, raw_folder, snakemake.output.folder, snakemake.params.seed)
    for remark in PreparedShift(snakemake.output.folder).record.get("remarks", ()):
        logger.info("%s: %s", entry.name, remark)
    record_folder(snakemake.output.folder, snakemake.output.record)
