"""Corrupt the first test images of a data set, once for all models."""

from pathlib import Path

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.corruptions import generate
from filterfreq.jobs import job

with job(snakemake) as logger:
    images = PreparedDataset(Path(snakemake.input.dataset).parent, snakemake.threads).images("test")[
        : snakemake.params.images
    ]
    generate(
        images,
        snakemake.output[0],
        snakemake.params.seed,
        snakemake.params.corruptions,
        processes=snakemake.threads,
        announce=logger.info,
    )
