"""Write the table `costs` in all its forms."""

from filterfreq.files import read_json
from filterfreq.jobs import job
from filterfreq.publishing.tables import cost_table

with job(snakemake):
    table = cost_table(map(read_json, snakemake.input), snakemake.params.labels, snakemake.wildcards.dataset)
    table.write(snakemake.output)
