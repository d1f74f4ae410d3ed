"""Training on a fraction of the images."""

from collections.abc import Mapping
from typing import Any

from filterfreq.training.fractions import floor_of
from filterfreq.training.intervention import Intervention


def intervention(settings: Mapping[str, Any]) -> Intervention:
    """Return the intervention that trains on the first images of each class, in the run's random order.

    Liu et al., Convolutional Normalization: Improving Deep Convolutional Network Robustness and Training, NeurIPS 2021,
    as their released code has it: of n images of a class the first int(n f).

    Args:
        settings: `fraction` f, in (0, 1].
    """
    return Intervention(keep_images=lambda images: images[: floor_of(settings["fraction"], len(images))])
