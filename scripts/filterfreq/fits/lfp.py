"""Wide two-layer networks beside the solutions of the linear frequency principle, on a curve and on a surface.

Zhang, Xu, Luo, Ma, arXiv 1905.10264: one coordinate as in the authors' scripts fig1a and fig1b, and XOR as in Figure 2.
Each network is held against the LFP solution of its own initial parameters, the limit of that for an infinite period,
and the solution of its own initial kernel; a curve against splines too.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.fits.job import FitJob
from filterfreq.fits.linear_frequency_principle import (
    ClosedForm,
    LFPSolution,
    differences,
    fourier_basis,
    moments,
)
from filterfreq.fits.two_layer import (
    TwoLayerNetworks,
    draw_parameters,
    initial_kernel,
    kernel_solution,
    learning_rate,
    train_two_layer,
)

_OF_NETWORK = [("network", "lfp"), ("network", "closed_form"), ("network", "kernel"), ("lfp", "closed_form")]
_SPLINES = ("natural_spline", "not_a_knot_spline", "linear_spline")


class Learned(NamedTuple):
    """What was learned, and what should have been.

    Attributes:
        rows: of the loss on the way.
        outputs: the values at the test points, N, of "network", "lfp", "closed_form" and "kernel".
    """

    rows: list[dict[str, Any]]
    outputs: dict[str, np.ndarray]


def fit_curve(job: FitJob) -> list[dict[str, Any]]:
    """Train a network on points (x, y), and return its curve with those of the LFP solutions and of splines.

    Args:
        job: its seed draws the initial parameters; its settings' `points` are pairs, by rising x; there are
            `test_points` even points from the first, the last excluded.

    Returns:
        The loss on the way, then `function_difference` between curves, and `output`, the curves and the points.

    Raises:
        InputError, StoppedError: see `train_two_layer`.
    """
    data = np.array(job.settings["points"], dtype=float)
    x, y = data.T
    test = np.linspace(x[0], x[-1], job.settings["test_points"], endpoint=False)
    learned = _learn(job, data, test[:, np.newaxis])
    outputs = learned.outputs | splines(x, y, test)
    pairs = _OF_NETWORK + [(one, spline) for one in ("network", "lfp", "closed_form") for spline in _SPLINES]
    return [
        *learned.rows,
        *_difference_rows(outputs, pairs, job),
        *_output_rows({of: zip(test, values, strict=True) for of, values in outputs.items()} | {"data": data}, len(x)),
    ]


def fit_surface(job: FitJob) -> list[dict[str, Any]]:
    """Train a network on points (x, y, z), and return its surface with that of the LFP solution.

    Args:
        job: its seed draws the initial parameters; its settings' `points` are triples, and there are `test_points`
            even points on each side of the box round them.

    Returns:
        What `fit_curve` returns.

    Raises:
        InputError, StoppedError: see `train_two_layer`.
    """
    data, test = surface_points(job.settings)
    learned = _learn(job, data, test)
    surfaces = {of: np.column_stack([test, values]) for of, values in learned.outputs.items()}
    return [
        *learned.rows,
        *_difference_rows(learned.outputs, _OF_NETWORK, job),
        *_output_rows(surfaces | {"data": data}, len(data)),
    ]


def fit_width(job: FitJob) -> list[dict[str, Any]]:
    """Do as `fit_surface`, and return the loss and the differences alone: for many widths and seeds."""
    learned = _learn(job, *surface_points(job.settings))
    return [*learned.rows, *_difference_rows(learned.outputs, _OF_NETWORK, job)]


def surface_points(settings: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the data, n x 3, and the even test points on the box round them, N^2 x 2."""
    data = np.array(settings["points"], dtype=float)
    sides = [np.linspace(column.min(), column.max(), settings["test_points"]) for column in data[:, :2].T]
    return data, np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1).reshape(-1, 2)


def splines(x: np.ndarray, y: np.ndarray, test: np.ndarray) -> dict[str, np.ndarray]:
    """Return three interpolants of a curve at test points.

    Where one moment is 0, the LFP solution is one of them: the natural cubic spline without the second, the linear one
    without the first. SciPy's own cubic spline, which the authors' script compares with, is another: not-a-knot.
    """
    return {
        "natural_spline": CubicSpline(x, y, bc_type="natural")(test),
        "not_a_knot_spline": CubicSpline(x, y)(test),
        "linear_spline": np.interp(test, x, y),
    }


def _learn(job: FitJob, data: np.ndarray, test: np.ndarray) -> Learned:
    """Train the network of a job on data, whose last column are the values, and solve what it should learn."""
    settings = job.settings
    points, values = data[:, :-1], data[:, -1]
    dimension = points.shape[1]
    (width,) = job.spec["network"]["widths"]
    w, b, a = draw_parameters(settings, width, dimension, job.seed)
    gram = initial_kernel(w, b, a, points, points)
    network = TwoLayerNetworks(w, b, a, 1, job.device)
    (at_points,), (at_test,) = network(points), network(test)
    rate = learning_rate(settings["learning_rate"], gram)
    rows = train_two_layer(network, points, values[np.newaxis], rate, job)
    # All of these are linear in what is left to learn.
    left = values - at_points
    weighting = settings["weighting"]
    means = moments(w, a, weighting)
    basis = fourier_basis(dimension, settings["period"], settings["basis_frequencies"])
    solutions = {
        "lfp": LFPSolution(points, left, basis, means, settings["ridge"], weighting)(test),
        "closed_form": ClosedForm(points, left, means)(test),
        "kernel": kernel_solution(gram, initial_kernel(w, b, a, test, points), left),
    }
    outputs = {of: at_test + learned for of, learned in solutions.items()}
    return Learned(rows, {"network": network(test)[0], **outputs})


def _difference_rows(
    outputs: Mapping[str, np.ndarray], pairs: list[tuple[str, str]], job: FitJob
) -> list[dict[str, Any]]:
    (width,) = job.spec["network"]["widths"]
    return [
        quantity(
            "function_difference", format_parameter(of=of, to=to, measure=measure, width=width), gap, len(outputs[of])
        )
        for of, to in pairs
        for measure, gap in differences(outputs[of], outputs[to]).items()
    ]


def _output_rows(functions: Mapping[str, Any], points: int) -> list[dict[str, Any]]:
    """The rows of functions, each with its coordinates and, last, its value at some points."""
    return [
        quantity(
            "output",
            format_parameter(of=of, **dict(zip("xy", (f"{part:.8g}" for part in place), strict=False))),
            value,
            points,
        )
        for of, samples in functions.items()
        for *place, value in samples
    ]
