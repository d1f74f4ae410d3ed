"""Write the table `differences` in all its forms."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.tables import differences_table
from filterfreq.runtime.jobs import job

with job(snakemake):
    params = snakemake.params
    table = differences_table(read_results(snakemake.input), params.labels, params.baseline, params.epsilons)
    table.write(snakemake.output, params.extent)
