"""Turn the raw files of a data set into memory-mapped arrays."""

from pathlib import Path

from filterfreq.data.registry import get_dataset, prepare_dataset
from filterfreq.jobs import job

with job(snakemake):
    dataset = get_dataset(snakemake.wildcards.dataset, snakemake.config.get("data"))
    folder = Path(snakemake.output.dataset).parent
    raw_folder = Path(snakemake.input.raw[0]).parent if snakemake.input.raw else folder
    prepare_dataset(dataset, raw_folder, folder, snakemake.params.seed)
