"""Draw the figure `scorecard`."""

from filterfreq.analysis.claims import score
from filterfreq.evaluation.results import read_results
from filterfreq.publishing.scorecard import scorecard_figure
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job

with job(snakemake):
    figure = scorecard_figure(score(read_results(snakemake.input), snakemake.params.claims), snakemake.params.labels)
    save(figure, snakemake.output.png, snakemake.output.pdf)
