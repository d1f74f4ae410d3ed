"""Draw one figure."""

from importlib import import_module

from filterfreq.evaluation.reading import read_results
from filterfreq.publishing.figure_page import write_page
from filterfreq.publishing.registry import NOTHING
from filterfreq.publishing.style import save
from filterfreq.runtime.jobs import job

with job(snakemake):
    module = import_module(f"filterfreq.publishing.figures.{snakemake.wildcards.name}")
    read = getattr(module, "read", read_results)
    shown = [] if module.PRODUCT.reads == NOTHING else [read(snakemake.input)]
    figure = module.draw(*shown, **snakemake.params.arguments)
    width = figure.get_figwidth()
    save(figure, snakemake.output.png, snakemake.output.pdf)
    write_page(snakemake.output.html, snakemake.output.png, width, module.PRODUCT.title, snakemake.params.caption)
