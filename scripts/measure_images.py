"""Measure what the suite `spectra` says of a data set's images alone, once for all models."""

from pathlib import Path

import torch

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.corruptions.sets import corruption_names
from filterfreq.evaluation.corruptions.stored import load_corrupted
from filterfreq.evaluation.image_spectra import measure_image_spectra
from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.results import check_rows, write_results
from filterfreq.runtime.jobs import job

with job(snakemake):
    torch.set_num_threads(snakemake.threads)
    images = PreparedDataset(Path(snakemake.input.dataset).parent, snakemake.threads).images("test")
    settings = dict(snakemake.params.settings)
    corrupted = {
        name: load_corrupted(Path(snakemake.input.corrupted, f"{name}.npy"), snakemake.threads)
        for name in corruption_names(settings.pop("corruptions"))
    }
    rows = measure_image_spectra(images, corrupted, **settings)
    check_rows(rows, "scripts/measure_images.py", SUITES["spectra"].metrics)
    # Of no run: images have neither a model nor a variant.
    of_images = {"dataset": snakemake.wildcards.dataset, "model": "", "variant": "", "seed": 0}
    write_results(snakemake.output[0], of_images, "spectra", rows)
