"""Download one raw file of a data set or of a shifted set and check it."""

from pathlib import Path

from filterfreq.data.download import download
from filterfreq.data.registry import DATASETS
from filterfreq.data.shifted.registry import SHIFTED_SETS
from filterfreq.jobs import job

with job(snakemake):
    name = snakemake.wildcards.dataset
    files = DATASETS[name].raw_files if name in DATASETS else SHIFTED_SETS[name].sources
    sources = {source.file: source for source in files}
    download(sources[snakemake.wildcards.file], Path(snakemake.output[0]))
