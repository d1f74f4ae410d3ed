"""Write the table `differences` in all its forms."""

from filterfreq.evaluation.results import read_results
from filterfreq.jobs import job
from filterfreq.publishing.tables import differences_table

with job(snakemake):
    table = differences_table(read_results(snakemake.input), snakemake.params.labels, snakemake.params.baseline)
    table.write(snakemake.output)
