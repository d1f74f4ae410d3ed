"""Write the table `plan` in all its forms."""

from filterfreq.jobs import job
from filterfreq.planning.comparison import plan_table
from filterfreq.planning.records import read_plan

with job(snakemake):
    plan_table(read_plan(snakemake.input.plan)).write(snakemake.output)
