"""The real Fourier basis of images: one vector for each frequency and its mirror image."""

import math

import torch

from filterfreq.frequencies.pairs import mirror


def fourier_basis_vector(height: int, width: int, u: int, v: int) -> torch.Tensor:
    """Return the real image of unit L2 norm that has no frequency but (u, v) and its mirror.

    U[x, y] = sqrt(2 / (H W)) cos(2 pi (u x / H + v y / W) + pi / 4), and cos(...) / sqrt(H W) without the phase where
    (u, v) is its own mirror. That is the inverse transform of (1 + i) / 2 at (u, v), of the conjugate at the mirror,
    and of 1 at its own mirror, times sqrt(H W), as the code of Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier
    Perspective on Model Robustness in Computer Vision, NeurIPS 2019, has it.

    Args:
        height: pixels.
        width: pixels.
        u: vertical frequency.
        v: horizontal frequency; of a pair the one that `distinct_frequencies` has.

    Returns:
        float64, H x W.
    """
    own_mirror = mirror(height, width, u, v) == (u, v)
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    # Whole numbers as long as can be: the argument stays exact for large images.
    turns = ((u * rows) % height).double() / height + ((v * columns) % width).double() / width
    amplitude, phase = (1.0, 0.0) if own_mirror else (math.sqrt(2), math.pi / 4)
    return amplitude / math.sqrt(height * width) * torch.cos(2 * math.pi * turns + phase)


def sum_basis_vectors(coefficients: torch.Tensor) -> torch.Tensor:
    """Return the images that are sums of basis vectors.

    In closed form U[x, y] = (cos t - sin t) / sqrt(H W) with t = 2 pi (u x / H + v y / W), so that the sum is a Hartley
    transform: the real plus the imaginary part of the Fourier transform of the coefficients.

    Args:
        coefficients: float, ... x H x W, in the layout of `torch.fft.fft2`: that of each `fourier_basis_vector` at its
            frequency (u, v), and 0 at the second of each pair.

    Returns:
        Like `coefficients`.
    """
    spectrum = torch.fft.fft2(coefficients, norm="ortho")
    return spectrum.real + spectrum.imag
