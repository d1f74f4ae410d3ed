"""Draw the figure `calibration`."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.figures import calibration
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job

with job(snakemake):
    figure = calibration(read_results(snakemake.input), snakemake.params.labels)
    save(figure, snakemake.output.png, snakemake.output.pdf)
