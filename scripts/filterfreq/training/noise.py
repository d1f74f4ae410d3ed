"""Noise on training images: the same on every device, and in however many processes."""

from collections.abc import Callable

import torch
from torch import Tensor

from filterfreq.data.batches import Share
from filterfreq.training.intervention import Intervention


def noise_intervention(stream: str, add_noise: Callable[..., Tensor]) -> Intervention:
    """Return the intervention that adds noise to the images of each batch.

    Args:
        stream: the name of its draws.
        add_noise: of images, by name `generator` on the CPU, from which noise is drawn, and `share`, which of a batch's
            images these are, the images with noise.
    """

    def change_images(images: Tensor, seed: int, share: Share | None) -> Tensor:
        return add_noise(images, generator=torch.Generator().manual_seed(seed), share=share)

    return Intervention(stream=stream, change_images=change_images)


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
