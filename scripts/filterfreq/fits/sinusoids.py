"""Sums of sinusoids: which frequencies a network learns first.

Rahaman et al., On the Spectral Bias of Neural Networks, ICML 2019 (arXiv 1806.08734), experiment 1: a network that is
trained on all points at once learns low frequencies first, even where high ones have the larger amplitudes. Experiment
5: with the same function on a curve that winds more, it learns high frequencies sooner.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.fits.curves import flower
from filterfreq.fits.job import FitJob
from filterfreq.fits.networks import build_network
from filterfreq.fits.repeats import Repeats
from filterfreq.fits.training import last_recorded, train_full_batch


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
    """Train networks on sums of sinusoids, and return the rows of `train_on_sinusoids`."""
    return train_on_sinusoids(job)[1]


def train_on_sinusoids(job: FitJob) -> tuple[Repeats, list[dict[str, Any]]]:
    """Train networks on sums of sinusoids with phases of their own, and measure their spectra on the way.

    Args:
        job: each of its seeds gives the phases of one repeat, uniform on [0, 1), and its network's initial parameters.

    Returns:
        The networks, and of each repeat, after every `record_every` iterations, the mean squared error, the normalised
        amplitude of each frequency, and the largest singular value of each layer's weights; after the iterations
        `shown_at`, the last one that is measured unless given, also what is learned, and what is to be, at each point.

    Raises:
        InputError, StoppedError: see `train_full_batch`.
    """
    settings = job.settings
    targets = _targets(job)
    inputs = sinusoid_inputs(settings).to(job.device)
    outputs = torch.tensor(targets, dtype=torch.float32, device=job.device)
    repeats = Repeats([build_network(job.spec["network"], inputs.shape[1], 1, seed) for seed in job.seeds])
    repeats = repeats.to(job.device)
    optimizer = torch.optim.Adam(repeats.parameters(), lr=settings["learning_rate"], fused=True)

    def losses(learned: Tensor) -> Tensor:
        return (learned.squeeze(2) - outputs).square().mean(1)

    def measure(iteration: int) -> list[dict[str, Any]]:
        learned = repeats(inputs)
        values = learned.squeeze(2).double().cpu().numpy()
        norms = torch.stack(repeats.spectral_norms(), 1).tolist()
        rows = []
        for seed, *measured in zip(job.seeds, losses(learned).tolist(), values, norms, targets, strict=True):
            rows += [{"seed": seed, **row} for row in _rows(settings, iteration, *measured)]
        return rows

    return repeats, train_full_batch(repeats, optimizer, lambda: losses(repeats(inputs)).sum(), measure, job)


def _rows(
    settings: Mapping[str, Any],
    iteration: int,
    loss: float,
    learned: np.ndarray,
    norms: Sequence[float],
    target: np.ndarray,
) -> list[dict[str, Any]]:
    """What is measured of one repeat in one iteration; `learned` and `target` at each point."""
    frequencies, points = settings["frequencies"], len(learned)
    found: list[tuple[str, dict[str, int], float]] = [("loss", {}, loss)]
    amplitudes = normalised_amplitudes(learned, frequencies, settings["amplitudes"])
    found += [
        ("normalised_amplitude", {"frequency": frequency}, amplitude)
        for frequency, amplitude in zip(frequencies, amplitudes, strict=True)
    ]
    found += [("spectral_norm", {"layer": layer}, norm) for layer, norm in enumerate(norms, start=1)]
    if iteration in settings.get("shown_at", [last_recorded(settings)]):
        for metric, values in (("learned", learned), ("target", target)):
            found += [(metric, {"point": point}, value) for point, value in enumerate(values)]
    return [
        quantity(metric, format_parameter(iteration=iteration, **keys), value, points) for metric, keys, value in found
    ]


def _targets(job: FitJob) -> np.ndarray:
    """The function of each repeat, R x points."""
    frequencies, amplitudes, points = (job.settings[key] for key in ("frequencies", "amplitudes", "points"))
    drawn = [np.random.default_rng(seed).uniform(size=len(frequencies)) for seed in job.seeds]
    return np.stack([sum_of_sinusoids(frequencies, amplitudes, phases, points) for phases in drawn])


def sinusoid_inputs(settings: Mapping[str, Any]) -> Tensor:
    """Return what the networks see of each point, points x coordinates, float32: z itself, or the point of a curve."""
    points = settings["points"]
    values = flower(settings["petals"], points) if "petals" in settings else np.arange(points)[:, np.newaxis] / points
    return torch.tensor(values, dtype=torch.float32)
