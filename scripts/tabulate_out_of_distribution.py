"""Write the table `out_of_distribution` in all its forms."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.tables import out_of_distribution_table
from filterfreq.runtime.jobs import job

with job(snakemake):
    params = snakemake.params
    out_of_distribution_table(read_results(snakemake.input), params.labels, params.baseline).write(
        snakemake.output, params.extent
    )
