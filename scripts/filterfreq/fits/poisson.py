"""Poisson's equation by a network first and Jacobi's method after: which of them takes which frequencies first.

Xu et al., arXiv 1901.06523, Figure 4: `-u'' = g` on (-1, 1), u = 0 at both ends. A network that minimises the energy of
the equation learns low frequencies first; Jacobi's method on central differences takes the high ones first.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.fft import dst
from torch import Tensor

from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.fits.job import FitJob
from filterfreq.fits.networks import build_network, column, slopes
from filterfreq.fits.responses import relative_error_rows, spectrum_rows
from filterfreq.fits.sine_curves import even_points, sum_of_sines
from filterfreq.fits.training import train_full_batch

INTERVAL = (-1.0, 1.0)


def exact_solution(x: np.ndarray, angular_frequencies: Sequence[float], amplitudes: Sequence[float]) -> np.ndarray:
    """Return u of `-u'' = sum_i A_i sin(w_i x)` with u(-1) = u(1) = 0.

    It is `sum_i A_i / w_i^2 sin(w_i x)` less the line through its ends, `u(1) x`, as sines are odd.

    Args:
        x: float, N, in [-1, 1].
        angular_frequencies: w_i, above 0, in radians per unit of x.
        amplitudes: A_i.

    Returns:
        float64, N.
    """
    scaled = np.divide(amplitudes, np.square(angular_frequencies))
    end = sum_of_sines(np.ones(1), angular_frequencies, scaled)
    return sum_of_sines(x, angular_frequencies, scaled) - end * x


def apply_sweeps(values: np.ndarray, source: np.ndarray, sweeps: float) -> np.ndarray:
    """Return what Jacobi's method makes of values on even points of [-1, 1] in so many sweeps, in closed form.

    One sweep is `u_i <- (u_{i-1} + u_{i+1} + dx^2 g_i) / 2` at all inner points, with 0 at the ends. A sine of j half
    waves on the interval is multiplied by `cos(pi j / (N - 1))` in each, apart from its share of the solution of the
    central differences; so any number of sweeps costs two sine transforms.

    Args:
        values: float, N; those at the ends are taken as 0.
        source: g, float, N.
        sweeps: a whole number from 0 on.

    Returns:
        float64, N.
    """
    steps = len(values) - 1
    factors = np.cos(np.pi * np.arange(1, steps) / steps)
    width = (INTERVAL[1] - INTERVAL[0]) / steps
    solution = width**2 / 2 * dst(source[1:-1], type=1) / (1 - factors)
    waves = solution + factors**sweeps * (dst(values[1:-1], type=1) - solution)
    # The transform is its own inverse, but for a factor.
    return np.pad(dst(waves, type=1) / (2 * steps), 1)


def fit_poisson(job: FitJob) -> list[dict[str, Any]]:
    """Train one network on the equation, and go on with Jacobi's method from what it is at some iterations.

    The network minimises `sum (h'^2 / 2 - g h) dx + penalty (h(-1)^2 + h(1)^2)` over all points, in the form of the
    paper.

    Args:
        job: its seed gives the network's initial parameters.

    Returns:
        The magnitudes of the solution's spectrum, and for each of the `bins`

        - the relative error of the network after every `record_every` iterations, and its `energy`,
        - that of Jacobi's method after several numbers of sweeps, from each of the `switches`, which are numbers of
          iterations of the network.

        The largest error of both against time, whose unit is one iteration of the network. How many sweeps take as long
        hangs on the machine, so there is one such line for each of `sweeps_per_iteration`.

    Raises:
        InputError, StoppedError: see `train_full_batch`.
    """
    settings = job.settings
    sines = settings["angular_frequencies"], settings["amplitudes"]
    x = even_points(INTERVAL, settings["points"], "closed")
    solution, source = exact_solution(x, *sines), sum_of_sines(x, *sines)
    inputs, sources = column(x, job.device), column(source, job.device)
    width = x[1] - x[0]
    network = build_network(job.spec["network"], 1, 1, job.seed).to(job.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings["learning_rate"])

    def loss() -> Tensor:
        values, slope = slopes(network, inputs)
        ends = values[0] ** 2 + values[-1] ** 2
        return (((slope**2 / 2 - sources * values) * width).sum() + settings["boundary_penalty"] * ends).squeeze()

    def learned() -> np.ndarray:
        with torch.no_grad():
            return network(inputs).squeeze(1).double().cpu().numpy()

    def measure(iteration: int) -> list[dict[str, Any]]:
        with torch.enable_grad():
            energy = float(loss().detach())
        values = learned()
        rows = [quantity("energy", format_parameter(iteration=iteration), energy, len(x))]
        rows += relative_error_rows("relative_error", values, solution, settings["bins"], iteration=iteration)
        rows.append(_largest_error(values, solution, "network", iteration))
        if iteration in settings["switches"]:
            rows += _jacobi_rows(settings, values, solution, source, iteration)
        return rows

    first = _jacobi_rows(settings, learned(), solution, source, 0) if 0 in settings["switches"] else []
    rows = train_full_batch(network, optimizer, loss, measure, job)
    return spectrum_rows(solution, settings["spectrum_bins"]) + first + rows


def sweep_counts(most: int, records: int) -> list[int]:
    """Return whole numbers of sweeps from 0 on that grow by a constant factor as far as whole numbers can.

    Args:
        most: the last.
        records: how many there are at most.
    """
    return [0, *np.unique(np.geomspace(1, most, records - 1).round().astype(int)).tolist()]


def _jacobi_rows(
    settings: dict[str, Any], values: np.ndarray, solution: np.ndarray, source: np.ndarray, switch: int
) -> list[dict[str, Any]]:
    rows = []
    for sweeps in sweep_counts(settings["sweeps"], settings["jacobi_records"]):
        swept = apply_sweeps(values, source, sweeps)
        rows += relative_error_rows(
            "jacobi_relative_error", swept, solution, settings["bins"], switch=switch, sweeps=sweeps
        )
        for in_a_unit in settings["sweeps_per_iteration"]:
            time = switch + sweeps / in_a_unit
            rows.append(_largest_error(swept, solution, switch, time, sweeps_per_iteration=in_a_unit))
    return rows


def _largest_error(
    values: np.ndarray, solution: np.ndarray, solver: object, time: float, **keys: object
) -> dict[str, Any]:
    parameter = format_parameter(solver=solver, time=time, **keys)
    return quantity("largest_error", parameter, np.abs(values - solution).max(), len(solution))
