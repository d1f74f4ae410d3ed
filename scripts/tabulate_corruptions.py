"""Write the table `corruptions` in all its forms."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.tables import corruption_table
from filterfreq.runtime.jobs import job

with job(snakemake):
    table = corruption_table(read_results(snakemake.input), snakemake.params.labels, snakemake.params.baseline)
    table.write(snakemake.output, snakemake.params.extent)
