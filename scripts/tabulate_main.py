"""Write the table `main` in all its forms."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.tables import main_table
from filterfreq.runtime.jobs import job

with job(snakemake):
    params = snakemake.params
    table = main_table(read_results(snakemake.input), params.labels, params.baseline, params.epsilons, params.published)
    table.write(snakemake.output, params.extent)
