"""How often a training goes through its images. Imports no torch."""

import math
from collections.abc import Mapping
from typing import Any


def count_replays(variant: Mapping[str, Any]) -> int:
    """Return how often each batch is shown in a row: the product of what interventions say in a setting `replays`."""
    return math.prod(value.get("replays", 1) for value in variant.values() if isinstance(value, Mapping))


def epochs_at_once(variant: Mapping[str, Any]) -> int:
    """Return how many of a training's `epochs` going through the images once counts for.

    That is as many as each batch is replayed, but for the released code of Liu et al. (NeurIPS 2021), which replays
    batches in each of its epochs.
    """
    return 1 if variant.get("adversarial_training", {}).get("free_protocol") == "liu2021" else count_replays(variant)


def count_epochs(spec: Mapping[str, Any]) -> int:
    """Return the number of a training's epochs: `epochs`, by the number that each of them counts for.

    Args:
        spec: the run's spec, with `variant` and `training`.
    """
    return math.ceil(spec["training"]["epochs"] / epochs_at_once(spec["variant"]))


def count_batches(images: int, training: Mapping[str, Any]) -> int:
    """Return into how many batches an epoch takes so many images; what one optimizer step takes is one batch."""
    return math.ceil(images / (training["batch_size"] * training.get("accumulate", 1)))
