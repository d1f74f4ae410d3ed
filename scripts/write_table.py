"""Write one table in all its forms."""

from importlib import import_module

from filterfreq.evaluation.reading import read_results
from filterfreq.publishing.registry import NOTHING
from filterfreq.runtime.jobs import job

with job(snakemake):
    module = import_module(f"filterfreq.publishing.tables.{snakemake.wildcards.name}")
    read = getattr(module, "read", read_results)
    shown = [] if module.PRODUCT.reads == NOTHING else [read(snakemake.input)]
    table = module.tabulate(*shown, **snakemake.params.arguments)
    table.write(snakemake.output, snakemake.params.note)
