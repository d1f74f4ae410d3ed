"""Draw the figure `frequency_filtered`."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.figures import frequency_filtered
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job

with job(snakemake):
    figure = frequency_filtered(read_results(snakemake.input), snakemake.params.labels)
    save(figure, snakemake.output.png, snakemake.output.pdf)
