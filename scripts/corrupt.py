"""Corrupt the first test images of a data set, once for all models."""

from pathlib import Path

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.corruptions.generation import generate
from filterfreq.runtime.files import record_folder
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    images = PreparedDataset(Path(snakemake.input.dataset).parent, snakemake.threads).images("test")[
        : snakemake.params.images
    ]
    generate(
        images,
        snakemake.output.folder,
        snakemake.params.seed,
        snakemake.params.corruptions,
        processes=snakemake.threads,
        announce=logger.info,
    )
    record_folder(snakemake.output.folder, snakemake.output.record)
