"""Put the training histories of all runs of an experiment into one table."""

import pandas as pd

from filterfreq.evaluation.results import RUN_COLUMNS
from filterfreq.files import replacing
from filterfreq.jobs import job

with job(snakemake), replacing(snakemake.output[0]) as temporary:
    runs = pd.MultiIndex.from_tuples([tuple(run) for run in snakemake.params.runs], names=RUN_COLUMNS)
    histories = pd.concat([pd.read_csv(file) for file in snakemake.input], keys=runs, names=RUN_COLUMNS)
    histories.reset_index(list(RUN_COLUMNS)).to_csv(temporary, index=False)
