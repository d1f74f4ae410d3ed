"""Put one suite's results of all runs of an experiment into one table, checked."""

from filterfreq.evaluation.results import COLUMNS, read_results
from filterfreq.files import replacing
from filterfreq.jobs import job

with job(snakemake), replacing(snakemake.output[0]) as temporary:
    read_results(snakemake.input)[list(COLUMNS)].to_csv(temporary, index=False)
