"""Download the files of a model that others trained, and check them."""

from pathlib import Path

from filterfreq.jobs import job
from filterfreq.models.pretrained import download_checkpoint

with job(snakemake):
    download_checkpoint(snakemake.params.source, Path(snakemake.output.files), Path(snakemake.output.record))
