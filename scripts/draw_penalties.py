"""Draw the figure `penalties`."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.figures import penalties
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job

with job(snakemake):
    params = snakemake.params
    figure = penalties(read_results(snakemake.input), params.labels, params.penalties, "kind", params.epsilons)
    save(figure, snakemake.output.png, snakemake.output.pdf)
