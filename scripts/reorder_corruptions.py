"""Take a data set's corrupted test images from the published archive, in the order of the prepared test images."""

from pathlib import Path

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.registry import get_dataset
from filterfreq.evaluation.published_corruptions import reorder
from filterfreq.jobs import job

with job(snakemake) as logger:
    reorder(
        Path(snakemake.input.published),
        get_dataset(snakemake.wildcards.dataset).corruptions,
        PreparedDataset(Path(snakemake.input.dataset).parent),
        snakemake.output[0],
        snakemake.params.images,
        snakemake.params.corruptions,
        announce=logger.info,
    )
