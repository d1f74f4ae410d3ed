"""What the suite `spectra` measures of images alone, once for all models: spectra of images and of their corruptions.

Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier Perspective on Model Robustness in Computer Vision, NeurIPS 2019,
Figure 2 and section 4.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from filterfreq.data.batches import to_images
from filterfreq.evaluation.corruptions import SEVERITIES
from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.frequencies.pairs import distinct_frequencies
from filterfreq.frequencies.spectra import high_frequency_shares, spectrum_magnitudes

_BATCH_PIXELS = 2**18  # 256 images of 32 x 32


def measure_image_spectra(
    images: np.ndarray, corrupted: Mapping[str, np.ndarray], severity: int = 3, bandwidth: int = 27
) -> list[dict[str, Any]]:
    """Measure the mean |F(X)| of images, the mean |F(C(X) - X)| of corruptions, and their high-frequency energy.

    Images are in [0, 1], and F is the unnormalised transform. A few images are read at a time.

    Args:
        images: uint8, N x H x W x C.
        corrupted: by corruption, uint8, 5n x H x W x C: the first n images at severity 1, then 2, and so on.
        severity: of the spectra of corruptions.
        bandwidth: of `filterfreq.frequencies.spectra.high_frequency_shares`, odd.

    Returns:
        Rows of `natural_magnitude` and, for each corruption, `corruption_magnitude`: for one frequency of each
        mirrored pair the mean over images and channels. For each corruption one of `high_frequency_energy`: the mean
        over images, their channels and all five severities of the share of C(X) - X, without the channels that a
        corruption leaves as they are; NaN where it leaves all. Its n are the images of all severities that are changed.

    Raises:
        InputError: the bandwidth is even or not above 0.
    """
    frequencies = distinct_frequencies(*images.shape[1:3])
    natural = torch.zeros(len(frequencies), dtype=torch.float64)
    sums = {corruption: _Sums(torch.zeros_like(natural)) for corruption in corrupted}
    size = max(1, _BATCH_PIXELS // (images.shape[1] * images.shape[2]))
    for start in range(0, len(images), size):
        before = to_images(images[start : start + size], "cpu")
        natural += spectrum_magnitudes(before).sum(dim=0, dtype=torch.float64)
        for corruption, its_images in corrupted.items():
            count = len(its_images) // len(SEVERITIES)
            length = min(size, count - start)
            for number, its_severity in enumerate(SEVERITIES if length > 0 else ()):
                first = number * count + start
                difference = to_images(its_images[first : first + length], "cpu") - before[:length]
                sums[corruption].add(difference, bandwidth, its_severity == severity)
    rows = [
        quantity("natural_magnitude", format_parameter(u=u, v=v), total / len(images), len(images))
        for (u, v), total in zip(frequencies, natural.tolist(), strict=True)
    ]
    for corruption, its_images in corrupted.items():
        count = len(its_images) // len(SEVERITIES)
        for (u, v), total in zip(frequencies, sums[corruption].magnitudes.tolist(), strict=True):
            parameter = format_parameter(corruption=corruption, severity=severity, u=u, v=v)
            rows.append(quantity("corruption_magnitude", parameter, total / count, count))
    for corruption, its_sums in sums.items():
        parameter = format_parameter(corruption=corruption, bandwidth=bandwidth)
        energy = its_sums.energy / its_sums.channels if its_sums.channels else np.nan
        rows.append(quantity("high_frequency_energy", parameter, energy, its_sums.images))
    return rows


@dataclass
class _Sums:
    """Of one corruption: sizes of coefficients at one severity; shares of energy, how many, and of how many images."""

    magnitudes: torch.Tensor
    energy: float = 0
    channels: int = 0
    images: int = 0

    def add(self, difference: torch.Tensor, bandwidth: int, has_magnitudes: bool) -> None:
        """Add a few images' C(X) - X."""
        shares = high_frequency_shares(difference, bandwidth)
        self.energy += float(shares.nansum(dtype=torch.float64))
        self.channels += int(shares.isfinite().sum())
        self.images += int(shares.isfinite().any(dim=1).sum())
        if has_magnitudes:
            self.magnitudes += spectrum_magnitudes(difference).sum(dim=0, dtype=torch.float64)
