"""Count the coefficients of the filters of all runs of an experiment, in the basis of those that it compares."""

from functools import partial

import torch

from filterfreq.analysis.filter_coefficients import count_models, full_bases
from filterfreq.evaluation.filters.checkpoint import checkpoint_layers
from filterfreq.evaluation.filters.filter_file import filter_file_layers
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import write_table
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    # Each thread reads a model of its own.
    torch.set_num_threads(1)
    runs, basis_runs = ([tuple(run) for run in snakemake.params[name]] for name in ("runs", "basis_runs"))
    params = snakemake.params
    files = zip(runs, params.sources, snakemake.input.records, params.image_sizes, strict=True)
    models = {
        run: partial(filter_file_layers, source) if source else partial(checkpoint_layers, record, image_size)
        for run, source, record, image_size in files
    }
    results = read_results(snakemake.input.results, suite="filter_quality")
    bases = full_bases(results, basis_runs, params.batch_norms)
    counts, basis = count_models(models, bases, logger.info, snakemake.threads)
    write_table(snakemake.output.counts, counts)
    write_table(snakemake.output.basis, basis)
