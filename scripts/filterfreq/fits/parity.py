"""Parity: a target that is all high frequencies, which a network fits on its training points alone.

Xu et al., arXiv 1901.06523, Figure 5c: on the training points the spectrum of the parity function has power at low
frequencies that the whole function has not. A network learns that, and does not generalise.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from filterfreq.evaluation.results import format_parameter, fraction, quantity
from filterfreq.fits.job import FitJob
from filterfreq.fits.networks import build_network, column
from filterfreq.fits.training import train_full_batch
from filterfreq.frequencies.nonuniform import nonuniform_dft


def corners(dimensions: int) -> np.ndarray:
    """Return all corners of the cube [-1, 1]^d: float64, 2^d x d, each -1 or 1."""
    numbers = np.arange(2**dimensions)[:, np.newaxis]
    return 1.0 - 2.0 * (numbers >> np.arange(dimensions) & 1)


def parity_spectrum(dimensions: int, frequencies: np.ndarray) -> np.ndarray:
    """Return the Fourier transform of the parity function along the direction of ones, in closed form.

    It is `2^-d sum_x (prod_j x_j) exp(-2 pi i k sum_j x_j) = (-i)^d sin(2 pi k)^d`, over all corners x.

    Args:
        dimensions: d.
        frequencies: k, of each coordinate, in cycles per unit.

    Returns:
        complex128, one value for each frequency.
    """
    return (-1j) ** dimensions * np.sin(2 * np.pi * frequencies) ** dimensions


def fit_parity(job: FitJob) -> list[dict[str, Any]]:
    """Train one network on some values of the parity function, and compare spectra along the direction of ones.

    Args:
        job: its seed draws the training points, without repeats, and gives the network's initial parameters.

    Returns:
        After every `record_every` iterations the mean squared error on the training points and on the other ones, and
        the share of the others whose sign is right; after the last, for each frequency, the magnitude of the transform
        of the target on the training points (`training_points`), of the target on all (`all_points`), and of what the
        network makes of all (`network`).

    Raises:
        InputError, StoppedError: see `train_full_batch`.
    """
    settings = job.settings
    points = corners(settings["dimensions"])
    target = points.prod(axis=1)
    order = np.random.default_rng(job.seed).permutation(len(points))
    trained, tested = np.split(order, [settings["training_points"]])
    inputs = torch.tensor(points, dtype=torch.float32, device=job.device)
    targets = column(target, job.device)
    network = build_network(job.spec["network"], settings["dimensions"], 1, job.seed).to(job.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings["learning_rate"])
    drawn_inputs, drawn_targets = inputs[trained], targets[trained]

    def measure(iteration: int) -> list[dict[str, Any]]:
        learned = network(inputs)
        parameter = format_parameter(iteration=iteration)
        rows = [quantity("loss", parameter, float(F.mse_loss(learned[trained], drawn_targets)), len(trained))]
        if len(tested):
            right = (learned[tested] * targets[tested] > 0).sum()
            rows.append(
                quantity("test_loss", parameter, float(F.mse_loss(learned[tested], targets[tested])), len(tested))
            )
            rows.append(fraction("test_accuracy", parameter, int(right), len(tested)))
        if iteration + settings["record_every"] > settings["iterations"]:
            rows += _spectrum_rows(settings, points, target, trained, learned.squeeze(1).double().cpu().numpy())
        return rows

    return train_full_batch(network, optimizer, lambda: F.mse_loss(network(drawn_inputs), drawn_targets), measure, job)


def _spectrum_rows(
    settings: dict[str, Any], points: np.ndarray, target: np.ndarray, trained: np.ndarray, learned: np.ndarray
) -> list[dict[str, Any]]:
    frequencies = np.linspace(0, settings["highest_k"], settings["frequencies"])
    positions = points.sum(axis=1)
    functions = {
        "training_points": (target[trained], positions[trained]),
        "all_points": (target, positions),
        "network": (learned, positions),
    }
    return [
        quantity("magnitude", format_parameter(function=name, k=f"{k:g}"), value, len(values))
        for name, (values, where) in functions.items()
        for k, value in zip(frequencies, np.abs(nonuniform_dft(values, where, frequencies)), strict=True)
    ]
