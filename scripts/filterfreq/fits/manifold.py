"""Classes along a curve in the plane: the more the curve winds, the higher the frequencies that are fitted.

Rahaman et al., On the Spectral Bias of Neural Networks, ICML 2019 (arXiv 1806.08734), experiment 6 (Figures 7 and 9):
two classes, by the sign of one sinusoid. Its regression, experiment 5, is `filterfreq.fits.sinusoids` with petals.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from filterfreq.evaluation.results import format_parameter, fraction, quantity
from filterfreq.fits.curves import flower
from filterfreq.fits.job import FitJob
from filterfreq.fits.networks import build_network
from filterfreq.fits.registry import SURFACE_EXTENT
from filterfreq.fits.repeats import Repeats
from filterfreq.fits.training import last_recorded, train_full_batch


def classes(frequency: int, phase: float, threshold: float, points: int) -> np.ndarray:
    """Return whether `sin(2 pi k z + phi)` is above a threshold at z = j / points.

    Args:
        frequency: k, in cycles per unit of z.
        phase: phi, in radians.
        threshold: in (-1, 1). Above 0.5 lies a third of a period.
        points: how many there are on [0, 1).

    Returns:
        bool, one for each point.
    """
    # k j modulo N, so that equal phases give equal values: at k = N / 5 the points see five of them.
    cycles = np.arange(points) * frequency % points / points
    return np.sin(2 * np.pi * cycles + phase) > threshold


def fit_classes(job: FitJob) -> list[dict[str, Any]]:
    """Train networks on two classes along the curve.

    Args:
        job: each of its seeds gives the phase of one repeat, uniform on [0, 2 pi), and its network's first parameters.

    Returns:
        Of each repeat, after every `record_every` iterations, the binary cross-entropy and the training accuracy, and
        at the end the share of the class that has more points, which a constant scores.

    Raises:
        InputError, StoppedError: see `train_full_batch`.
    """
    return _train(job)[1]


def fit_surfaces(job: FitJob) -> list[dict[str, Any]]:
    """Train the same, and return also what they say of the plane round the curve.

    Args:
        job: as `fit_classes` takes it; its settings say how many `surface_points` there are on a side of the square.

    Returns:
        The rows of `fit_classes`, the `logit` at each point of a grid on [-1.6, 1.6]^2, from below, and of each point
        of the curve whether it is `positive`.

    Raises:
        InputError, StoppedError: see `train_full_batch`.
    """
    repeats, rows, labels = _train(job)
    side = job.settings["surface_points"]
    axis = torch.linspace(-SURFACE_EXTENT, SURFACE_EXTENT, side)
    grid = torch.cartesian_prod(axis, axis).flip(1).to(job.device)
    with torch.no_grad():
        surfaces = repeats(grid).reshape(len(job.seeds), side, side).tolist()
    for seed, surface, positive in zip(job.seeds, surfaces, labels.tolist(), strict=True):
        for row, values in enumerate(surface):
            for column, value in enumerate(values):
                parameter = format_parameter(row=row, column=column)
                rows.append({"seed": seed, **quantity("logit", parameter, value, 1)})
        rows += [
            {"seed": seed, **quantity("positive", format_parameter(point=point), value, 1)}
            for point, value in enumerate(positive)
        ]
    return rows


def _train(job: FitJob) -> tuple[Repeats, list[dict[str, Any]], Tensor]:
    """The networks, the rows of the training, and the labels, R x points."""
    settings = job.settings
    frequency, petals, threshold, points = (settings[key] for key in ("frequency", "petals", "threshold", "points"))
    phases = [np.random.default_rng(seed).uniform(0, 2 * np.pi) for seed in job.seeds]
    drawn = np.stack([classes(frequency, phase, threshold, points) for phase in phases])
    labels = torch.tensor(drawn, dtype=torch.float32, device=job.device)
    inputs = torch.tensor(flower(petals, points), dtype=torch.float32, device=job.device)
    repeats = Repeats([build_network(job.spec["network"], 2, 1, seed) for seed in job.seeds]).to(job.device)
    optimizer = torch.optim.Adam(repeats.parameters(), lr=settings["learning_rate"], fused=True)

    def losses(logits: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits, labels, reduction="none").mean(1)

    def measure(iteration: int) -> list[dict[str, Any]]:
        logits = repeats(inputs).squeeze(2)
        correct = ((logits > 0) == (labels > 0)).sum(1).tolist()
        measured = zip(job.seeds, losses(logits).tolist(), correct, drawn, strict=True)
        return [{"seed": seed, **row} for seed, *of_one in measured for row in _rows(settings, iteration, *of_one)]

    rows = train_full_batch(repeats, optimizer, lambda: losses(repeats(inputs).squeeze(2)).sum(), measure, job)
    return repeats, rows, labels


def _rows(
    settings: Mapping[str, Any], iteration: int, loss: float, correct: int, labels: np.ndarray
) -> list[dict[str, Any]]:
    """What is measured of one repeat in one iteration."""
    which = {"frequency": settings["frequency"], "petals": settings["petals"]}
    parameter = format_parameter(iteration=iteration, **which)
    rows = [
        quantity("cross_entropy", parameter, loss, len(labels)),
        fraction("accuracy", parameter, correct, len(labels)),
    ]
    if iteration == last_recorded(settings):
        more = max(labels.sum(), (~labels).sum())
        rows.append(fraction("majority_share", format_parameter(**which), more, len(labels)))
    return rows
