"""Keep the filters of the first layer of each variant, and their activations on one image and on it attacked."""

import numpy as np

from filterfreq.evaluation.filters.first_layer import measure_first_layer, read_first_example
from filterfreq.models.checkpoints import load_checkpoint
from filterfreq.runtime.files import replacing_with_checksum
from filterfreq.runtime.jobs import job

with job(snakemake):
    images = read_first_example(snakemake.input.perturbations)
    arrays = {"images": images}
    for variant, record in zip(snakemake.params.variants, snakemake.input.records, strict=True):
        classifier, _ = load_checkpoint(record)
        found = measure_first_layer(classifier, *images)
        arrays |= {f"{variant}/{name}": values for name, values in found.items()}
    with replacing_with_checksum(snakemake.output[0]) as temporary:
        np.savez(temporary, **arrays)
