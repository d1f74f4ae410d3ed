"""Numbers for noise on training images: the same on every device, and in however many processes."""

import torch
from torch import Tensor

from filterfreq.data.batches import Share


def normal_like(images: Tensor, generator: torch.Generator, share: Share | None = None) -> Tensor:
    """Draw a number from the standard normal distribution for every value of some images.

    Args:
        images: float32, N x C x H x W, on any device.
        generator: a generator on the CPU.
        share: as for `filterfreq.data.batches.augment`.

    Returns:
        float32, N x C x H x W, on the device of `images`, in channels_last memory format.
    """
    n, channels, height, width = images.shape
    rows, count = (slice(None), n) if share is None else share
    drawn = torch.randn((count, height, width, channels), generator=generator)[rows]
    return drawn.permute(0, 3, 1, 2).to(images.device)
