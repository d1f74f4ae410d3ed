"""Put the results of all runs of a fit into one table, checked."""

from filterfreq.evaluation.columns import COLUMNS
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import write_table
from filterfreq.fits.registry import FITS
from filterfreq.runtime.jobs import job

with job(snakemake):
    results = read_results(snakemake.input, snakemake.params.runs, snakemake.params.kind, FITS)
    write_table(snakemake.output[0], results[list(COLUMNS)])
