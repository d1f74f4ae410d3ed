"""Take a data set's corrupted test images from the published archives, in the order of the prepared test images."""

from pathlib import Path

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.shifted.registry import PUBLISHED_CORRUPTIONS
from filterfreq.evaluation.corruptions.published import reorder
from filterfreq.runtime.files import record_folder
from filterfreq.runtime.jobs import job

with job(snakemake) as logger:
    reorder(
        [Path(path) for path in snakemake.input.published],
        PUBLISHED_CORRUPTIONS[snakemake.wildcards.dataset],
        PreparedDataset(Path(snakemake.input.dataset).parent),
        snakemake.output.folder,
        snakemake.params.images,
        snakemake.params.corruptions,
        seed=snakemake.params.seed,
        processes=snakemake.threads,
        announce=logger.info,
    )
    record_folder(snakemake.output.folder, snakemake.output.record)
