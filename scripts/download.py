"""Download one raw file of a data set and check it."""

from pathlib import Path

from filterfreq.data.download import download
from filterfreq.data.registry import get_dataset
from filterfreq.jobs import job

with job(snakemake):
    sources = {source.file: source for source in get_dataset(snakemake.wildcards.dataset).raw_files}
    download(sources[snakemake.wildcards.file], Path(snakemake.output[0]))
