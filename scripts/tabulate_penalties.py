"""Write the table `penalties` in all its forms."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.tables import penalty_table
from filterfreq.runtime.jobs import job

with job(snakemake):
    params = snakemake.params
    results = read_results(snakemake.input)
    table = penalty_table(results, params.labels, params.penalties, params.baseline, "kind", params.epsilons)
    table.write(snakemake.output, params.extent)
