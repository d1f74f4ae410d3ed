"""What the suite `spectra` measures of images alone, once for all models: spectra of images and of their corruptions.

Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier Perspective on Model Robustness in Computer Vision, NeurIPS 2019,
Figure 2 and section 4.1.
"""

from collections.abc import Iterator, Mapping
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
    natural = sum(spectrum_magnitudes(batch).sum(dim=0, dtype=torch.float64) for batch in _batches(images))
    rows = [
        quantity("natural_magnitude", format_parameter(u=u, v=v), total / len(images), len(images))
        for (u, v), total in zip(frequencies, natural.tolist(), strict=True)
    ]
    energies = []
    for corruption, its_images in corrupted.items():
        count = len(its_images) // len(SEVERITIES)
        magnitudes = torch.zeros(len(frequencies), dtype=torch.float64)
        energy, channels, changed = 0.0, 0, 0
        for number, its_severity in enumerate(SEVERITIES):
            block = its_images[number * count : (number + 1) * count]
            for before, after in zip(_batches(images[:count]), _batches(block), strict=True):
                difference = after - before
                shares = high_frequency_shares(difference, bandwidth)
                energy += float(shares.nansum(dtype=torch.float64))
                channels += int(shares.isfinite().sum())
                changed += int(shares.isfinite().any(dim=1).sum())
                if its_severity == severity:
                    magnitudes += spectrum_magnitudes(difference).sum(dim=0, dtype=torch.float64)
        for (u, v), total in zip(frequencies, magnitudes.tolist(), strict=True):
            parameter = format_parameter(corruption=corruption, severity=severity, u=u, v=v)
            rows.append(quantity("corruption_magnitude", parameter, total / count, count))
        parameter = format_parameter(corruption=corruption, bandwidth=bandwidth)
        energies.append(
            quantity("high_frequency_energy", parameter, energy / channels if channels else np.nan, changed)
        )
    return rows + energies


def _batches(images: np.ndarray) -> Iterator[torch.Tensor]:
    """The images in turn, float32, n x C x H x W in [0, 1]."""
    size = max(1, _BATCH_PIXELS // (images.shape[1] * images.shape[2]))
    for start in range(0, len(images), size):
        yield to_images(images[start : start + size], "cpu")
