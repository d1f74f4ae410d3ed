"""Draw the figure `dct_energy`."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.figures import dct_energy
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job

with job(snakemake):
    figure = dct_energy(read_results(snakemake.input), snakemake.params.labels)
    save(figure, snakemake.output.png, snakemake.output.pdf)
