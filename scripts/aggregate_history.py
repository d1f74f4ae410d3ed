"""Put the training histories of all runs of an experiment into one table, checked."""

import pandas as pd

from filterfreq.evaluation.columns import RUN_COLUMNS
from filterfreq.evaluation.results import write_table
from filterfreq.runtime.jobs import job
from filterfreq.training.history import read_history

with job(snakemake):
    runs = pd.MultiIndex.from_tuples([tuple(run) for run in snakemake.params.runs], names=RUN_COLUMNS)
    histories = pd.concat([read_history(file) for file in snakemake.input], keys=runs, names=RUN_COLUMNS)
    write_table(snakemake.output[0], histories.reset_index(list(RUN_COLUMNS)))
