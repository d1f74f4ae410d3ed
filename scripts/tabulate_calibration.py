"""Write the table `calibration` in all its forms."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.tables import calibration_table
from filterfreq.runtime.jobs import job

with job(snakemake):
    params = snakemake.params
    calibration_table(read_results(snakemake.input), params.labels).write(snakemake.output, params.extent)
