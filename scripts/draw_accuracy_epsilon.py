"""Draw the figure `accuracy_epsilon`."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.figures import accuracy_against_epsilon
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job

with job(snakemake):
    figure = accuracy_against_epsilon(read_results(snakemake.input), snakemake.params.labels)
    save(figure, snakemake.output.png, snakemake.output.pdf)
