"""Estimate noise that has the mean energy of a corruption at each frequency, once for all models."""

from pathlib import Path

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.noise import save_deviations
from filterfreq.evaluation.corruptions.energy import noise_deviations
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    dataset = PreparedDataset(Path(snakemake.input.dataset).parent, snakemake.threads)
    deviations, count = noise_deviations(
        dataset.images("train"),
        dataset.image_size,
        snakemake.wildcards.corruption,
        snakemake.params.seed,
        snakemake.threads,
    )
    logger.info("%s of %d training images at each severity", snakemake.wildcards.corruption, count)
    save_deviations(snakemake.output[0], deviations)
