"""Write the table `plan` in all its forms."""

from filterfreq.files import read_json
from filterfreq.jobs import job
from filterfreq.planning.comparison import plan_table

with job(snakemake):
    plan_table(read_json(snakemake.input.plan)).write(snakemake.output)
