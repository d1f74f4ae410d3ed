"""Gaussian noise on all training images, of another strength for every batch."""

from functools import partial

import torch
from torch import Tensor

from filterfreq.data.batches import Share
from filterfreq.training.intervention import Intervention
from filterfreq.training.noise import noise_intervention, normal_like


def intervention(sigma: float) -> Intervention:
    """Return the intervention that adds noise of standard deviations up to this one, in units of [0, 1]."""
    return noise_intervention("noise up to", partial(add_gaussian_noise_up_to, sigma=sigma))


def add_gaussian_noise_up_to(
    images: Tensor, sigma: float, generator: torch.Generator, share: Share | None = None
) -> Tensor:
    """Add Gaussian noise to a batch and clip to [0, 1]; its standard deviation is drawn for the batch.

    Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier Perspective on Model Robustness in Computer Vision, NeurIPS
    2019, "Gaussian data augmentation": a standard deviation uniform in [0, sigma], then noise on every value.

    Args:
        images: float32, N x C x H x W, in [0, 1], on any device.
        sigma: the largest standard deviation of the noise, in units of [0, 1].
        generator: a generator on the CPU.
        share: as for `filterfreq.data.batches.augment`.

    Returns:
        The images with noise, in channels_last memory format.
    """
    deviation = sigma * torch.rand((), generator=generator).item()
    return (images + deviation * normal_like(images, generator, share)).clamp_(0, 1)
