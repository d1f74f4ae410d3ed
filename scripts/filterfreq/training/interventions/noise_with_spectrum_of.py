"""Noise with the mean energy of a corruption at each frequency."""

from functools import partial

import torch
from torch import Tensor

from filterfreq.data.batches import Share
from filterfreq.data.noise import load_deviations
from filterfreq.frequencies.fourier import sum_basis_vectors
from filterfreq.training.intervention import Intervention
from filterfreq.training.noise import noise_intervention, normal_like


def intervention(_corruption: str, file: str) -> Intervention:
    """Return the intervention that adds noise whose basis vectors have the standard deviations in a file."""
    deviations = torch.from_numpy(load_deviations(file)).float()
    return noise_intervention("noise with spectrum", partial(add_spectral_noise, deviations=deviations))


def add_spectral_noise(
    images: Tensor, deviations: Tensor, generator: torch.Generator, share: Share | None = None
) -> Tensor:
    """Add noise of some energy at each frequency to every image and clip to [0, 1].

    Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier Perspective on Model Robustness in Computer Vision, NeurIPS
    2019, section 4.2: the sum over the Fourier basis vectors of U n, with n normal, for each image and channel.

    Args:
        images: float32, N x C x H x W, in [0, 1], on any device.
        deviations: float32, C x H x W: the standard deviation of each n, see
            `filterfreq.data.noise.load_deviations`.
        generator: a generator on the CPU.
        share: as for `filterfreq.data.batches.augment`.

    Returns:
        The images with noise.
    """
    noise = sum_basis_vectors(normal_like(images, generator, share) * deviations.to(images.device))
    return (images + noise).clamp_(0, 1)
