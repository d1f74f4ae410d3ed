"""Write the table `main` in all its forms."""

from filterfreq.evaluation.results import read_results
from filterfreq.jobs import job
from filterfreq.publishing.tables import main_table

with job(snakemake):
    params = snakemake.params
    table = main_table(read_results(snakemake.input), params.labels, params.baseline, params.epsilons, params.published)
    table.write(snakemake.output, params.extent)
