"""Training on the low or the high frequencies of each image alone."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor

from filterfreq.frequencies.components import rescale_to_maximum
from filterfreq.frequencies.masks import filter_frequencies, frequency_mask
from filterfreq.runtime.errors import InputError
from filterfreq.training.intervention import Intervention


def intervention(settings: Mapping[str, Any]) -> Intervention:
    """Return the intervention that leaves one component of each training image.

    Wang, Wu, Huang, Xing, High-Frequency Component Helps Explain the Generalization of Convolutional Neural Networks,
    CVPR 2020, section 4 (table 1): without clipping, and without the mean in the high component. They augment nothing;
    here what the network would see is filtered, after crop, flip and policy.

    Args:
        settings: `pass` and `radius` as `frequency_mask` takes them, and where it is given its `mask`; `rescale`:
            "released" for `rescale_to_maximum`.
    """
    rescales = settings.get("rescale", "none") == "released"

    @cache
    def mask_of(height: int, width: int, device: torch.device) -> Tensor:
        kind, radius = settings["pass"], settings["radius"]
        mask = frequency_mask(height, width, kind, radius, mask=settings.get("mask", "strict"))
        if mask.all() or not mask.any():
            raise InputError(
                f"the component {kind} with radius {radius:g} is {'all' if mask.all() else 'nothing'} of images of "
                f"{height} x {width} pixels: lower the radius"
            )
        return mask.to(device)

    def transform(images: Tensor) -> Tensor:
        component = filter_frequencies(images, mask_of(*images.shape[-2:], images.device))
        component = rescale_to_maximum(component) if rescales else component
        return component.contiguous(memory_format=torch.channels_last)

    return Intervention(transform=transform)
