"""Draw the figure `training_curves`."""

import pandas as pd

from filterfreq.jobs import job
from filterfreq.publishing.figures import training_curves
from filterfreq.publishing.style import save

with job(snakemake):
    figure = training_curves(pd.read_csv(snakemake.input[0]), snakemake.params.labels)
    save(figure, snakemake.output.png, snakemake.output.pdf)
