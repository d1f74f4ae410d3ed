"""The real Fourier basis of images: one vector for each frequency and its mirror image."""

import torch

from filterfreq.frequencies.pairs import basis_vector


def fourier_basis_vector(height: int, width: int, u: int, v: int) -> torch.Tensor:
    """Return `filterfreq.frequencies.pairs.basis_vector` as a tensor: float64, H x W."""
    return torch.from_numpy(basis_vector(height, width, u, v))


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
