"""Turn the raw files of a data set into memory-mapped arrays."""

from pathlib import Path

from filterfreq.data.registry import prepare_dataset
from filterfreq.jobs import job

with job(snakemake):
    folder = Path(snakemake.output.dataset).parent
    prepare_dataset(snakemake.wildcards.dataset, folder / "raw", folder, snakemake.params.seed)
