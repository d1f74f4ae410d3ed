"""Write the table `shape_bias` in all its forms."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.tables import shape_bias_table
from filterfreq.runtime.jobs import job

with job(snakemake):
    table = shape_bias_table(read_results(snakemake.input), snakemake.params.labels)
    table.write(snakemake.output)
