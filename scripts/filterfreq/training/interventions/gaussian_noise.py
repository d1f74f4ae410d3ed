"""Gaussian noise on half of the training images."""

from functools import partial

import torch
from torch import Tensor

from filterfreq.data.batches import Share
from filterfreq.training.intervention import Intervention
from filterfreq.training.noise import noise_intervention, normal_like


def intervention(sigma: float) -> Intervention:
    """Return the intervention that adds noise of this standard deviation, in units of [0, 1]."""
    return noise_intervention("noise", partial(add_gaussian_noise, sigma=sigma))


def add_gaussian_noise(images: Tensor, sigma: float, generator: torch.Generator, share: Share | None = None) -> Tensor:
    """Add Gaussian noise to every second image, by chance, and clip to [0, 1].

    After Rusak et al., A Simple Way to Make Neural Networks Robust Against Diverse Image Corruptions, ECCV 2020, with a
    fixed standard deviation. Each image stays clean with probability 1/2, so that clean accuracy is trained for too.

    Args:
        images: float32, N x C x H x W, in [0, 1], on any device.
        sigma: standard deviation of the noise, in units of [0, 1].
        generator: a generator on the CPU.
        share: as for `augment`.

    Returns:
        The images with noise, in channels_last memory format.
    """
    rows, count = (slice(None), len(images)) if share is None else share
    scale = sigma * torch.randint(2, (count, 1, 1, 1), generator=generator)[rows]
    return (images + scale.to(images.device) * normal_like(images, generator, share)).clamp_(0, 1)
