"""How many of a data set's training images a variant trains on and validates with. Imports no torch."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from filterfreq.runtime.errors import InputError


def floor_of(fraction: float, count: int) -> int:
    """Return the whole part of a fraction of a number, of the fraction as it is written: 0.29 of 100 are 29.

    Args:
        fraction: in [0, 1].
        count: at least 0.
    """
    return math.floor(Fraction(str(fraction)) * count)


def ceil_of(fraction: float, count: int) -> int:
    """Return the same, rounded up: 0.07 of 100 are 7, where the product of floats is above 7."""
    return math.ceil(Fraction(str(fraction)) * count)


def holds_out(validation: Mapping[str, Any]) -> bool:
    """Return whether the images of a validation are left out of the training, as they are unless it says otherwise."""
    return validation.get("held_out", True)


def most_trained_images(images: int, classes: int, variant: Mapping[str, Any]) -> int:
    """Return how many images a variant trains on at most, which is less than one for each class too many.

    How many there are is known of each class alone, and rounded there.

    Args:
        images: how many training images the data set has.
        classes: of how many classes.
        variant: the variant.
    """
    most = floor_of(variant["data"]["fraction"], images) if "data" in variant else images
    validation = variant.get("validation")
    if validation is not None and holds_out(validation):
        most = min(most, images - max(0, floor_of(validation["fraction"], images) - classes + 1))
    return most


def most_validation_images(images: int, variant: Mapping[str, Any]) -> int:
    """Return how many images a variant is validated with at most; 0 where it has no validation."""
    return floor_of(variant["validation"]["fraction"], images) if "validation" in variant else 0


def check_fractions(where: str, variant: Mapping[str, Any], images: int | None, classes: int) -> None:
    """Refuse fractions of the training images that are sure to leave a class empty.

    What is unknown here, as how many images each class has, is checked by `filterfreq.training.chosen.choose_images`.

    Args:
        where: the variant's key in the config, which the sentence begins with.
        variant: the variant.
        images: how many training images the data set has, or None.
        classes: how many classes; 0 where that is not known.

    Raises:
        InputError: there are fewer images than classes then.
    """
    if images is None:
        return
    for key in ("data", "validation"):
        if key in variant and floor_of(fraction := variant[key]["fraction"], images) < classes:
            raise InputError(
                f"{where}.{key}.fraction: {fraction:g} of {images} training images cannot have each of "
                f"{classes} classes: set it to {classes / images:.2g} or more"
            )
