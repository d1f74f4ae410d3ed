"""Write the table `adversarial` in all its forms."""

from filterfreq.evaluation.results import read_results
from filterfreq.publishing.tables import adversarial_table
from filterfreq.runtime.jobs import job

with job(snakemake):
    table = adversarial_table(read_results(snakemake.input), snakemake.params.labels)
    table.write(snakemake.output, snakemake.params.extent)
