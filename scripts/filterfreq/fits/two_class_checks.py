"""Whether the settings of fits on two classes fit their data set and each other. Imports no torch."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from filterfreq.data.registry import Dataset
from filterfreq.runtime.errors import InputError, unknown_name


def check_classes(classes: Sequence[str], dataset: str, known: Sequence[str]) -> None:
    """Check that two classes are two of a data set.

    Raises:
        InputError: one is not among those known, or both are the same.
    """
    for name in classes:
        if name not in known:
            raise InputError(f"classes: {unknown_name(f'class of {dataset}', name, known)}")
    if classes[0] == classes[1]:
        raise InputError(f"classes: both are {classes[0]!r}, and a network is to tell one from the other: name two")


def count_trained(fraction: float, images: int) -> int:
    """Return how many images a fraction of so many is, rounded down.

    Raises:
        InputError: none, or all of them.
    """
    # 0.29 of 100 are 29, though their product as floats is a little less.
    count = math.floor(fraction * images + 1e-9)
    if not 0 < count < images:
        left = "none to train on" if count == 0 else "none to validate on"
        raise InputError(f"train_fraction: {fraction} of {images} images leaves {left}: change it")
    return count


def check_two_classes(settings: Mapping[str, Any], dataset: Dataset, known: Sequence[str]) -> None:
    """Check that a data set has what a fit on two of its classes asks for.

    Args:
        settings: `classes`, and `images` and `train_fraction` where it has them.
        dataset: its entry.
        known: the names of its classes, empty where they are not known yet.

    Raises:
        InputError: it has not; the sentence begins with the key.
    """
    # Of a class folder of the user's, names and numbers are known once its images are read.
    check_classes(settings["classes"], dataset.name, known or settings["classes"])
    most = dataset.train_size
    if most is not None and settings.get("images", 0) > most:
        raise InputError(f"images: {dataset.name} has {most} to train on and not {settings['images']}: lower it")
    if "train_fraction" in settings and (images := settings.get("images", most)) is not None:
        count_trained(settings["train_fraction"], images)


def check_spectrum_at(settings: Mapping[str, Any]) -> None:
    """Check that the iterations whose spectrum is wanted are recorded.

    Raises:
        InputError: one is not; the sentence begins with the key.
    """
    iterations, every = settings["iterations"], settings["record_every"]
    for iteration in settings["spectrum_at"]:
        if iteration > iterations or iteration % every:
            raise InputError(
                f"spectrum_at: iteration {iteration} is not recorded, as {iterations} are made and one in {every} is "
                "recorded: choose a multiple up to the last one"
            )
