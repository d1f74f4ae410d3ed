"""Curves: which frequencies of a sum of sines on an interval a network learns first.

Xu, Zhang, Luo, Xiao, Ma, Frequency Principle: Fourier Analysis Sheds Light on Deep Neural Networks, arXiv 1901.06523,
Figure 1: a wide network with small normal parameters takes the peaks of the target's spectrum in ascending order.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.fits.job import FitJob
from filterfreq.fits.networks import build_network, column, slopes
from filterfreq.fits.responses import relative_error_rows, spectrum, spectrum_rows
from filterfreq.fits.training import train_full_batch
from filterfreq.frequencies.peaks import highest_peaks


def even_points(interval: Sequence[float], points: int, grid: str) -> np.ndarray:
    """Return even points of an interval.

    Args:
        interval: its two ends.
        points: how many, at least 2.
        grid: "closed", where both ends are points, or "periodic", where the upper end is left out, so that a wave that
            fits the interval does not leak.

    Returns:
        float64, one coordinate for each point, ascending.
    """
    return np.linspace(*interval, points, endpoint=grid == "closed")


def sum_of_sines(x: np.ndarray, angular_frequencies: Sequence[float], amplitudes: Sequence[float]) -> np.ndarray:
    """Return `sum_i A_i sin(w_i x)`.

    Args:
        x: float, N.
        angular_frequencies: w_i, in radians per unit of x.
        amplitudes: A_i.

    Returns:
        float64, N.
    """
    return np.sin(np.multiply.outer(x, angular_frequencies)) @ np.array(amplitudes, dtype=np.float64)


def sum_of_cosines(x: np.ndarray, angular_frequencies: Sequence[float], amplitudes: Sequence[float]) -> np.ndarray:
    """Return the derivative of `sum_of_sines`, `sum_i A_i w_i cos(w_i x)`; arguments and values as there."""
    scaled = np.multiply(amplitudes, angular_frequencies)
    return np.cos(np.multiply.outer(x, angular_frequencies)) @ scaled


def followed_bins(settings: dict[str, Any], target: np.ndarray) -> list[int]:
    """Return the bins whose error is measured: those of the settings, or the highest peaks, one for each sine.

    Args:
        settings: of the curve.
        target: float, N.
    """
    return settings.get("bins") or highest_peaks(np.abs(spectrum(target)), len(settings["amplitudes"]))


def fit_curve(job: FitJob) -> list[dict[str, Any]]:
    """Train one network on one sum of sines, and measure how well each peak of the spectrum is learned on the way.

    Args:
        job: its seed gives the network's initial parameters.

    Returns:
        The magnitudes of the target's spectrum; after every `record_every` iterations the mean squared error, that on
        `test_points` where there are any, and the relative error of each bin that is followed and is in the target.

    Raises:
        InputError, StoppedError: see `train_full_batch`.
    """
    settings = job.settings
    sines = settings["angular_frequencies"], settings["amplitudes"]
    x = even_points(settings["interval"], settings["points"], settings["grid"])
    target = sum_of_sines(x, *sines)
    bins = followed_bins(settings, target)
    inputs, targets = column(x, job.device), column(target, job.device)
    target_slopes = column(sum_of_cosines(x, *sines), job.device)
    network = build_network(job.spec["network"], 1, 1, job.seed).to(job.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings["learning_rate"])
    slope_weight = settings.get("slope_weight", 0)

    def loss() -> Tensor:
        if not slope_weight:
            return F.mse_loss(network(inputs), targets)
        learned, slope = slopes(network, inputs)
        return F.mse_loss(learned, targets) + slope_weight * F.mse_loss(slope, target_slopes)

    def measure(iteration: int) -> list[dict[str, Any]]:
        learned = network(inputs)
        parameter = format_parameter(iteration=iteration)
        rows = [quantity("loss", parameter, float(F.mse_loss(learned, targets)), len(x))]
        if "test_points" in settings:
            tested = even_points(settings["interval"], settings["test_points"], settings["grid"])
            error = F.mse_loss(network(column(tested, job.device)), column(sum_of_sines(tested, *sines), job.device))
            rows.append(quantity("test_loss", parameter, float(error), len(tested)))
        values = learned.squeeze(1).double().cpu().numpy()
        difference = settings.get("difference", "complex")
        return rows + relative_error_rows("relative_error", values, target, bins, difference, iteration=iteration)

    rows = train_full_batch(
        network,
        optimizer,
        loss,
        measure,
        job,
        is_over=lambda measured: measured[0]["value"] < settings.get("until_loss", 0),
    )
    return spectrum_rows(target, settings["spectrum_bins"]) + rows
