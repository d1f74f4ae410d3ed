"""The FP norm, the test error and the bound on it, of sines at random points: how much a high frequency costs.

After Zhang, Xu, Luo, Ma, arXiv 1905.10264, whose bound grows with the FP norm of the target; the experiment is of this
project. Networks learn the sines from one initialisation, side by side, without a regularisation term.
"""

from typing import Any

import numpy as np

from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.fits.job import FitJob
from filterfreq.fits.linear_frequency_principle import (
    LFPSolution,
    fourier_basis,
    gamma_norm,
    generalisation_bound,
    moments,
)
from filterfreq.fits.two_layer import (
    TwoLayerNetworks,
    draw_parameters,
    initial_kernel,
    learning_rate,
    train_two_layer,
)


def fit_norms(job: FitJob) -> list[dict[str, Any]]:
    """Learn `sin(2 pi k x)` of each frequency k at the same random points of [0, 1], by LFP and by networks.

    Args:
        job: its seed draws the points, of which a smaller number are the first of a larger one, and the initial
            parameters.

    Returns:
        The largest loss of the networks on the way; then of each frequency `fp_norm` of the target and of the LFP
        solution, `test_error`, the mean of |h - f| over even points of [0, 1], of "lfp" and "network", and
        `generalisation_bound` of the former.

    Raises:
        InputError, StoppedError: see `train_two_layer`.
    """
    settings = job.settings
    count, frequencies = settings["points"], np.array(settings["frequencies"])
    # A stream of its own: the parameters are drawn from the seed too.
    points = np.random.default_rng([job.seed, 1]).uniform(size=count)[:, np.newaxis]
    test = (np.arange(settings["test_points"])[:, np.newaxis] + 0.5) / settings["test_points"]
    values, aims = (np.sin(2 * np.pi * frequencies[:, np.newaxis] * x[:, 0]) for x in (points, test))
    (width,) = job.spec["network"]["widths"]
    w, b, a = draw_parameters(settings, width, 1, job.seed)
    networks = TwoLayerNetworks(w, b, a, len(frequencies), job.device)
    at_points, at_test = networks(points), networks(test)
    rate = learning_rate(settings["learning_rate"], initial_kernel(w, b, a, points, points))
    rows = train_two_layer(networks, points, values, rate, job)
    errors = {"network": np.abs(networks(test) - aims).mean(axis=1)}

    means = moments(w, a)
    basis = fourier_basis(1, settings["period"], settings["basis_frequencies"])
    solutions = [LFPSolution(points, left, basis, means, settings["ridge"]) for left in values - at_points]
    learned = np.array([solution(test) for solution in solutions]) + at_test
    errors["lfp"] = np.abs(learned - aims).mean(axis=1)
    weights = solutions[0].weights
    # A sine of a frequency in the basis is one of its functions.
    target_norms = 1 / np.sqrt(weights[np.rint(frequencies * settings["period"]).astype(int)])
    for number, frequency in enumerate(frequencies):
        said = {"frequency": frequency, "points": count}
        bound = generalisation_bound(target_norms[number], gamma_norm(basis, weights), count, settings["delta"])
        norms = {"target": target_norms[number], "lfp": solutions[number].fp_norm}
        rows += [quantity("fp_norm", format_parameter(of=of, **said), norm, count) for of, norm in norms.items()]
        rows += [
            quantity("test_error", format_parameter(of=of, **said), error[number], len(test))
            for of, error in errors.items()
        ]
        rows.append(quantity("generalisation_bound", format_parameter(**said), bound, len(test)))
    return rows
