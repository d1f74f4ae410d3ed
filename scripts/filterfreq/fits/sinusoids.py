"""Sums of sinusoids: which frequencies a network learns first.

Rahaman et al., On the Spectral Bias of Neural Networks, ICML 2019 (arXiv 1806.08734), experiment 1: a network that is
trained on all points at once learns low frequencies first, even where high ones have the larger amplitudes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.fits.job import FitJob
from filterfreq.fits.networks import build_network
from filterfreq.fits.training import train_full_batch


def sum_of_sinusoids(
    frequencies: Sequence[int], amplitudes: Sequence[float], phases: Sequence[float], points: int
) -> np.ndarray:
    """Return `sum_i A_i sin(2 pi k_i z + 2 pi phi_i)` at z = j / points, j < points.

    Args:
        frequencies: k_i, in cycles per unit of z.
        amplitudes: A_i.
        phases: phi_i, in cycles.
        points: how many there are on the period [0, 1).

    Returns:
        float64, one value for each point.
    """
    z = np.arange(points)[:, np.newaxis] / points
    return np.sin(2 * np.pi * (z * np.array(frequencies) + np.array(phases))) @ np.array(amplitudes)


def normalised_amplitudes(values: np.ndarray, frequencies: Sequence[int], amplitudes: Sequence[float]) -> np.ndarray:
    """Return how much of each sinusoid is in a function: `2 |FFT(f)_k| / (N A_k)`, 1 of the target itself.

    Args:
        values: f at N even points of a period.
        frequencies: k, in cycles per period, above 0 and below N / 2.
        amplitudes: A_k of the target.

    Returns:
        One value for each frequency, not negative.
    """
    spectrum = np.abs(np.fft.rfft(values))[list(frequencies)]
    return 2 * spectrum / (len(values) * np.array(amplitudes))


def fit_sinusoids(job: FitJob) -> list[dict[str, Any]]:
    """Train one network on one sum of sinusoids with phases of its own, and measure its spectrum on the way.

    Args:
        job: its seed gives the phases, uniform on [0, 1), and the network's initial parameters.

    Returns:
        After every `record_every` iterations the mean squared error and the normalised amplitude of each frequency.

    Raises:
        InputError, StoppedError: see `train_full_batch`.
    """
    frequencies, amplitudes, points = (job.settings[key] for key in ("frequencies", "amplitudes", "points"))
    phases = np.random.default_rng(job.seed).uniform(size=len(frequencies))
    values = sum_of_sinusoids(frequencies, amplitudes, phases, points)
    targets = torch.tensor(values, dtype=torch.float32, device=job.device).unsqueeze(1)
    inputs = torch.arange(points, dtype=torch.float32, device=job.device).unsqueeze(1) / points
    network = build_network(job.spec["network"], 1, 1, job.seed).to(job.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=job.settings["learning_rate"])

    def loss() -> torch.Tensor:
        return F.mse_loss(network(inputs), targets)

    def measure(iteration: int) -> list[dict[str, Any]]:
        learned = network(inputs)
        rows = [quantity("loss", format_parameter(iteration=iteration), float(F.mse_loss(learned, targets)), points)]
        shares = normalised_amplitudes(learned.squeeze(1).double().cpu().numpy(), frequencies, amplitudes)
        for frequency, share in zip(frequencies, shares, strict=True):
            parameter = format_parameter(iteration=iteration, frequency=frequency)
            rows.append(quantity("normalised_amplitude", parameter, share, points))
        return rows

    return train_full_batch(network, optimizer, loss, measure, job)
