"""Keep filters of some models as figures show them, and what the first layers make of an image and of it attacked."""

import numpy as np

from filterfreq.evaluation.filters.first_layer import measure_first_layer, read_perturbed_images
from filterfreq.evaluation.filters.layers import first_filters
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.runtime.errors import naming
from filterfreq.runtime.files import replacing_with_checksum
from filterfreq.runtime.jobs import job

with job(snakemake):
    # There are none where the config asks for no perturbations, as of a data set without images.
    files = snakemake.input.get("perturbations")
    images = read_perturbed_images(files)[:, 0] if files else None
    arrays = {}
    for (_, model, variant, seed), record in zip(snakemake.params.runs, snakemake.input.records, strict=True):
        classifier, _ = load_checkpoint(record)
        with naming(record):
            found = first_filters(classifier.backbone, snakemake.params.image_size)
        if images is not None:
            found |= measure_first_layer(classifier, *images)
        arrays |= {f"{model}/{variant}/{seed}/{name}": values for name, values in found.items()}
    with replacing_with_checksum(snakemake.output[0]) as temporary:
        np.savez(temporary, **arrays)
