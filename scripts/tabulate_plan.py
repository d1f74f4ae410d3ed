"""Write the table `plan` in all its forms."""

from filterfreq.planning.comparison import plan_table
from filterfreq.planning.records import read_plan
from filterfreq.runtime.jobs import job

with job(snakemake):
    plan_table(read_plan(snakemake.input.plan)).write(snakemake.output)
