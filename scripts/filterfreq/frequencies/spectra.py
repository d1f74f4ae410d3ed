"""What an image's spectrum holds: the size of each coefficient, and the share of energy at high frequencies."""

from functools import cache

import torch

from filterfreq.frequencies.masks import bandwidth_mask, filter_frequencies
from filterfreq.frequencies.pairs import distinct_frequencies


def spectrum_magnitudes(images: torch.Tensor) -> torch.Tensor:
    """Return the size of the Fourier coefficients of images, one of each mirrored pair, which are equal.

    The transform is the unnormalised one, so that sum |F|^2 over all frequencies is H W times the images' energy
    (Parseval).

    Args:
        images: float, N x C x H x W.

    Returns:
        Like `images`, N x F, the mean over channels of |F(u, v)| for the frequencies of
        `filterfreq.frequencies.pairs.distinct_frequencies`, in that order.
    """
    return torch.fft.rfft2(images).abs().mean(dim=1).flatten(1)[:, _half_spectrum_indices(*images.shape[-2:])]


@cache
def _half_spectrum_indices(height: int, width: int) -> list[int]:
    """Where the distinct frequencies are in a flattened spectrum of `torch.fft.rfft2`."""
    # What it leaves out are mirrors of what it has.
    kept = [(u, v) if v % width <= width // 2 else (-u, -v) for u, v in distinct_frequencies(height, width)]
    return [u % height * (width // 2 + 1) + v % width for u, v in kept]


def high_frequency_shares(images: torch.Tensor, bandwidth: int) -> torch.Tensor:
    """Return the share of each channel's energy that its high-pass keeps, the square round the highest frequency.

    Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier Perspective on Model Robustness in Computer Vision, NeurIPS
    2019, section 4.1. Of white noise it is the share of frequencies: 729 of 1,024 for a bandwidth of 27 at 32 x 32.

    Args:
        images: float, N x C x H x W.
        bandwidth: of the band `corner` of `filterfreq.frequencies.masks.bandwidth_mask`.

    Returns:
        Like `images`, N x C, in [0, 1]; NaN of channels that are 0 everywhere.

    Raises:
        InputError: the bandwidth is even or not above 0.
    """
    mask = bandwidth_mask(*images.shape[-2:], "corner", bandwidth)
    return filter_frequencies(images, mask).square().sum(dim=(2, 3)) / images.square().sum(dim=(2, 3))
