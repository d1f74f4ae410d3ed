"""Put the results of all runs of a fit or a GAN into one table, checked."""

from filterfreq.evaluation.columns import COLUMNS
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import write_table
from filterfreq.fits.registry import FITS
from filterfreq.gans.registry import GANS
from filterfreq.runtime.jobs import job

with job(snakemake):
    results = read_results(snakemake.input, snakemake.params.runs, snakemake.params.kind, {**FITS, **GANS})
    write_table(snakemake.output[0], results[list(COLUMNS)])
