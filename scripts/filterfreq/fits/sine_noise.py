"""Labels with noise of one frequency: when a network learns the noise, and what it costs.

Rahaman et al., On the Spectral Bias of Neural Networks, ICML 2019 (arXiv 1806.08734), experiment 3: two digits of MNIST
as a regression, whose training targets have a sine of the image's norm added. A network learns noise of a high
frequency late: the validation loss is low before, and then rises.
"""

from typing import Any

import numpy as np

from filterfreq.fits.job import FitJob
from filterfreq.fits.two_class_checks import count_trained
from filterfreq.fits.two_classes import train_on_noisy_labels, two_classes


def sine_of_norm(points: np.ndarray, amplitude: float, frequency: float, convention: str) -> np.ndarray:
    """Return the noise of each point.

    Args:
        points: N x D.
        amplitude: beta.
        frequency: k.
        convention: "paper" for `beta sin(k |x|)`, "notebook" for `beta sin(2 pi k |x|)`, L2 norms.

    Returns:
        N values in [-beta, beta].
    """
    angular = frequency * (2 * np.pi if convention == "notebook" else 1)
    return amplitude * np.sin(angular * np.linalg.norm(points, axis=1))


def fit_sine_noise(job: FitJob) -> list[dict[str, Any]]:
    """Train one network on the first images of two classes, with noise, and validate it on the rest, without.

    Args:
        job: its seed gives the network's initial parameters.

    Returns:
        See `train_on_noisy_labels`.

    Raises:
        InputError: the data set lacks a class or images.
        StoppedError: see `train_full_batch`.
    """
    settings = job.settings
    points, pure = two_classes(job.prepared, settings)
    trained = count_trained(settings["train_fraction"], len(points))
    noise = sine_of_norm(points[:trained], settings["amplitude"], settings["frequency"], settings["convention"])
    return train_on_noisy_labels(job, points[:trained], pure[:trained] + noise, points[trained:], pure[trained:])
