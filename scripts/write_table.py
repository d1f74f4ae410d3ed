"""Write one table in all its forms."""

from importlib import import_module

from filterfreq.evaluation.reading import read_results
from filterfreq.runtime.jobs import job

with job(snakemake):
    module = import_module(f"filterfreq.publishing.tables.{snakemake.wildcards.name}")
    read = getattr(module, "read", read_results)
    table = module.tabulate(read(snakemake.input), **snakemake.params.arguments)
    table.write(snakemake.output, snakemake.params.note)
