"""Labels with noise whose spectrum in the eigenvectors of a Gaussian kernel is known: what a network learns of it.

Rahaman et al., On the Spectral Bias of Neural Networks, ICML 2019 (arXiv 1806.08734), experiment 4: images do not lie
on a line, so eigenvectors of a kernel by falling eigenvalue stand for frequencies. A network learns the labels, which
are mostly in the first ones, before the noise in the last ones.
"""

from typing import Any

import numpy as np

from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.fits.gaussian_kernel import eigenvectors, gaussian_kernel
from filterfreq.fits.job import FitJob
from filterfreq.fits.two_classes import train_on_noisy_labels, two_classes


def rising_noise(vectors: np.ndarray, exponent: float) -> np.ndarray:
    """Return `sum_n (n / (N - 1))^exponent u_n`, n from 0 on.

    Args:
        vectors: the orthonormal u_n in columns, N x N, N at least 2.
        exponent: gamma.

    Returns:
        N values.
    """
    return vectors @ (np.arange(len(vectors)) / (len(vectors) - 1)) ** exponent


def binned_coefficients(vectors: np.ndarray, values: np.ndarray, width: int) -> np.ndarray:
    """Return the mean of `|u_n . f|` over each so many n one after the other; the last ones may be fewer.

    Args:
        vectors: the orthonormal u_n in columns, N x N.
        values: f, N.
        width: how many n make a bin.
    """
    sizes = np.abs(values @ vectors)
    return np.array([sizes[first : first + width].mean() for first in range(0, len(sizes), width)])


def fit_kernel_noise(job: FitJob) -> list[dict[str, Any]]:
    """Train one network on all images of two classes with noise, and measure its spectrum on the way.

    Args:
        job: its seed gives the network's initial parameters and white noise.

    Returns:
        Losses as of `train_on_noisy_labels`, the validation loss on the same images without noise; the mean coefficient
        of each bin, beginning with eigenvector `first`, of the network at each iteration of `spectrum_at`; and
        likewise `target_coefficient`, of the target `pure` and `noisy`.

    Raises:
        InputError: the data set lacks a class or images.
        StoppedError: see `train_full_batch`.
    """
    settings = job.settings
    points, pure = two_classes(job.prepared, settings)
    _, vectors = eigenvectors(gaussian_kernel(points, settings["kernel_width"]))
    noise = {
        "none": lambda: np.zeros(len(pure)),
        "hfn": lambda: rising_noise(vectors, settings["exponent"]),
        "white": lambda: np.random.default_rng(job.seed).uniform(-1, 1, len(pure)),
    }[settings["noise"]]()
    noisy = pure + noise

    def spectrum(metric: str, values: np.ndarray, **keys: object) -> list[dict[str, Any]]:
        width = settings["bin"]
        firsts = range(0, len(values), width)
        return [
            quantity(metric, format_parameter(**keys, first=first), mean, min(width, len(values) - first))
            for first, mean in zip(firsts, binned_coefficients(vectors, values, width), strict=True)
        ]

    def measure(iteration: int, outputs: np.ndarray) -> list[dict[str, Any]]:
        wanted = iteration in settings["spectrum_at"]
        return spectrum("coefficient", outputs, iteration=iteration) if wanted else []

    targets = spectrum("target_coefficient", pure, target="pure")
    targets += spectrum("target_coefficient", noisy, target="noisy")
    return targets + train_on_noisy_labels(job, points, noisy, points, pure, measure)
