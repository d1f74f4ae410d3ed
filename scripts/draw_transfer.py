"""Draw the figure `transfer`."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.figures import transfer
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job

with job(snakemake):
    figure = transfer(read_results(snakemake.input), snakemake.params.labels)
    save(figure, snakemake.output.png, snakemake.output.pdf)
