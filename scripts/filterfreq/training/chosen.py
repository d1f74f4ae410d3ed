"""Which images of a data set a variant trains on, and which it is validated with."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from filterfreq.data.batches import batch_seed
from filterfreq.runtime.errors import InputError
from filterfreq.training.intervention import Intervention

_STREAM = "order of images"


class ChosenImages(NamedTuple):
    """Indices of training images, int64, ascending.

    Attributes:
        trained: those to train on; None where that is all of them.
        validation: those to validate with; None where there are none.
    """

    trained: np.ndarray | None = None
    validation: np.ndarray | None = None


def choose_images(interventions: Mapping[str, Intervention], labels: np.ndarray, seed: int) -> ChosenImages:
    """Return the images that a variant's interventions choose from the images of each class, in one random order.

    The order is drawn from the run's seed alone, so that what variants of the same seed choose lies inside each other.

    Args:
        interventions: those of the variant.
        labels: of all training images, int64, N: their own.
        seed: of the run.

    Raises:
        InputError: a class is left without an image.
    """
    keeping = {key: one.keep_images for key, one in interventions.items() if one.keep_images is not None}
    validating = {key: one.validate_with for key, one in interventions.items() if one.validate_with is not None}
    if not keeping and not validating:
        return ChosenImages()
    # Epochs count from 1, so that this draw is of none.
    order = np.random.default_rng(batch_seed(seed, 0, 0, _STREAM)).permutation(len(labels))
    trained, validation = [], []
    for label in np.unique(labels):
        images = order[labels[order] == label]
        kept = images
        for key, keep in keeping.items():
            kept = np.intersect1d(kept, _check(keep(images), key, label, len(images)))
        trained.append(kept)
        validation += [_check(choose(images), key, label, len(images)) for key, choose in validating.items()]
    kept = _joined(trained)
    return ChosenImages(kept if len(kept) < len(labels) else None, _joined(validation) if validating else None)


def _check(chosen: np.ndarray, key: str, label: int, images: int) -> np.ndarray:
    """Return what is chosen of a class, which is to have something."""
    if not len(chosen):
        raise InputError(
            f"{key}.fraction of the variant leaves none of the {images} training images of class {label}: raise it"
        )
    return chosen


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.sort(np.concatenate(parts)).astype(np.int64)
