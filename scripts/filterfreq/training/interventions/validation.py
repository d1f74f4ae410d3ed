"""Validation with a part of the training images."""

from collections.abc import Mapping
from typing import Any

from filterfreq.training.fractions import floor_of, holds_out
from filterfreq.training.intervention import Intervention


def intervention(settings: Mapping[str, Any]) -> Intervention:
    """Return the intervention that validates with the last images of each class, in the run's random order.

    Args:
        settings: `fraction`, in (0, 1); and where it is given `held_out`: false trains on these images too, as the
            released code of Liu et al. (NeurIPS 2021) does.
    """

    def first_validated(count: int) -> int:
        return count - floor_of(settings["fraction"], count)

    return Intervention(
        keep_images=(lambda images: images[: first_validated(len(images))]) if holds_out(settings) else None,
        validate_with=lambda images: images[first_validated(len(images)) :],
    )
