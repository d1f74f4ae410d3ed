"""Draw the figure `shape_bias`."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.figures import shape_bias
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job

with job(snakemake):
    figure = shape_bias(read_results(snakemake.input), snakemake.params.labels)
    save(figure, snakemake.output.png, snakemake.output.pdf)
