"""How often a training goes through its images. Imports no torch."""

import math
from collections.abc import Mapping
from typing import Any


def count_replays(variant: Mapping[str, Any]) -> int:
    """Return how often each batch is shown in a row: the product of what interventions say in a setting `replays`."""
    return math.prod(value.get("replays", 1) for value in variant.values() if isinstance(value, Mapping))


def count_epochs(spec: Mapping[str, Any]) -> int:
    """Return the number of a training's epochs: so many times fewer than `epochs` as every batch is replayed.

    Args:
        spec: the run's spec, with `variant` and `training`.
    """
    return math.ceil(spec["training"]["epochs"] / count_replays(spec["variant"]))


def count_batches(images: int, training: Mapping[str, Any]) -> int:
    """Return into how many batches an epoch takes so many images; what one optimizer step takes is one batch."""
    return math.ceil(images / (training["batch_size"] * training.get("accumulate", 1)))
