"""Which frequencies of an image's discrete Fourier transform are left: masks of discs and squares, and of the rest."""

import torch

from filterfreq.frequencies.bands import band_frequencies
from filterfreq.runtime.errors import InputError, unknown_name

PASSES: tuple[str, ...] = ("low", "high")
"""What `frequency_mask` keeps of a disc."""


MASKS: tuple[str, ...] = ("strict", "non_strict")
"""Whether a disc is without the circle that ends it, or with it."""


def frequency_mask(
    height: int, width: int, kind: str, radius: float, keep_mean: bool = False, mask: str = "strict"
) -> torch.Tensor:
    """Return which frequencies of an image pass a centred disc, or its outside.

    The low-pass keeps the frequencies (u, v), in cycles per image, with sqrt(u^2 + v^2) < radius, the high-pass all
    others: without `keep_mean` the two add up to the image. Wang, Wu, Huang, Xing, High-Frequency Component Helps
    Explain the Generalization of Convolutional Neural Networks, CVPR 2020; strictly less as in their code, or with the
    circle itself, "at most", as the paper has it. From a radius above sqrt(height^2 + width^2) / 2 on, the low-pass
    keeps everything.

    Args:
        height: pixels.
        width: pixels.
        kind: "low" or "high".
        radius: of the disc, in cycles per image, above 0.
        keep_mean: let the high-pass keep the frequency (0, 0) too, which is each channel's mean.
        mask: "strict", or "non_strict" for a disc with its circle.

    Returns:
        bool, height x (width // 2 + 1), in the layout of `torch.fft.rfft2`.

    Raises:
        InputError: an unknown kind or mask, or a radius that is not above 0.
    """
    if kind not in PASSES:
        raise unknown_name("pass", kind, PASSES)
    if mask not in MASKS:
        raise unknown_name("mask", mask, MASKS)
    if not radius > 0:
        raise InputError(f"the radius {radius} of a frequency filter is not above 0: give cycles per image")
    # Whole numbers, so that what lies on the circle is decided exactly.
    vertical = (torch.fft.fftfreq(height, dtype=torch.float64) * height).round()
    horizontal = (torch.fft.rfftfreq(width, dtype=torch.float64) * width).round()
    squares = vertical[:, None] ** 2 + horizontal[None] ** 2
    inside = squares < radius**2 if mask == "strict" else squares <= radius**2
    if kind == "low":
        return inside
    outside = ~inside
    outside[0, 0] = keep_mean
    return outside


def bandwidth_mask(height: int, width: int, kind: str, bandwidth: int) -> torch.Tensor:
    """Return which frequencies of an image pass a square filter of some bandwidth.

    Args:
        height: pixels.
        width: pixels.
        kind: one of `filterfreq.frequencies.bands.BANDS`, see `band_frequencies` there.
        bandwidth: odd, above 0.

    Returns:
        bool, height x (width // 2 + 1), in the layout of `torch.fft.rfft2`.

    Raises:
        InputError: an unknown kind, a bandwidth that is even or not above 0, or one that leaves no frequency.
    """
    return torch.from_numpy(band_frequencies(height, width, kind, bandwidth)[:, : width // 2 + 1].copy())


def filter_frequencies(images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return images without the frequencies that a mask leaves out, each channel by itself.

    Args:
        images: float, N x C x H x W.
        mask: bool, H x (W // 2 + 1), see `frequency_mask` and `bandwidth_mask`.

    Returns:
        Like `images`; values may leave the range of the images.
    """
    spectrum = torch.fft.rfft2(images) * mask.to(images.device)
    return torch.fft.irfft2(spectrum, s=images.shape[-2:])
