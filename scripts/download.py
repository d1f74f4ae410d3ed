"""Download one raw file of a data set or of a shifted set and check it."""

from pathlib import Path

from filterfreq.data.download import download
from filterfreq.data.shifted.registry import downloads
from filterfreq.runtime.jobs import job

with job(snakemake):
    sources = downloads(snakemake.wildcards.dataset)
    download(sources[snakemake.wildcards.file], Path(snakemake.output[0]))
