"""Write the table `costs` in all its forms."""

from filterfreq.publishing.tables import cost_table
from filterfreq.runtime.jobs import job
from filterfreq.runtime.schemas import read_record

with job(snakemake):
    records = [read_record(file, "run") for file in snakemake.input]
    table = cost_table(records, snakemake.params.labels, snakemake.wildcards.dataset)
    table.write(snakemake.output)
