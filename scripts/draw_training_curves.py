"""Draw the figure `training_curves`."""

from filterfreq.evaluation.results import RUN_COLUMNS
from filterfreq.publishing.figures import training_curves
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job
from filterfreq.training.history import read_history

with job(snakemake):
    figure = training_curves(read_history(snakemake.input[0], RUN_COLUMNS), snakemake.params.labels)
    save(figure, snakemake.output.png, snakemake.output.pdf)
