"""Download the files of a model that others trained, and check them."""

from pathlib import Path

from filterfreq.models.pretrained import download_checkpoint
from filterfreq.runtime.jobs import job

with job(snakemake):
    download_checkpoint(snakemake.params.source, Path(snakemake.output.files), Path(snakemake.output.record))
