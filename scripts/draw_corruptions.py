"""Draw the figure `corruptions`."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.figures import corruptions
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job

with job(snakemake):
    figure = corruptions(read_results(snakemake.input), snakemake.params.labels)
    save(figure, snakemake.output.png, snakemake.output.pdf)
