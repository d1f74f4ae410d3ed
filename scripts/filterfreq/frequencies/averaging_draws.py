"""The transfer functions of averages by Monte Carlo, beside the closed forms of `filterfreq.frequencies.averaging`.

By symmetry cos(w.x) depends on |w| and on the part of x along w alone. Of a random direction in n dimensions that is
g / sqrt(g^2 + c), g normal and c of the chi-squared distribution with n - 1 degrees of freedom: two numbers for n.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class DrawnTransfer(NamedTuple):
    """A transfer function by Monte Carlo.

    Attributes:
        mean: float64, in [-1, 1], of the shape of the frequencies.
        standard_error: of that mean, likewise.
    """

    mean: np.ndarray
    standard_error: np.ndarray


def draw_ball_transfer(
    frequency: ArrayLike, radius: float, dimension: int, draws: int, generator: np.random.Generator
) -> DrawnTransfer:
    """Average cos(w.x) over points x that are uniform in a ball.

    Args:
        frequency: |w|, in radians per unit of length, from 0 up.
        radius: of the ball.
        dimension: n, at least 2.
        draws: how many points, at least 2, new ones for each frequency.
        generator: what they are drawn with.
    """

    def draw_values(one: float) -> np.ndarray:
        radii = radius * generator.random(draws) ** (1 / dimension)
        return np.cos(one * radii * _directions_along(dimension, draws, generator))

    return _average(draw_values, frequency)


def draw_shells_transfer(
    frequency: ArrayLike,
    lengths: Sequence[float],
    count: int,
    dimension: int,
    draws: int,
    generator: np.random.Generator,
) -> DrawnTransfer:
    """Average cos(w.x') over the points 0 and +- l v of an average along K random directions v.

    Args:
        frequency: see `draw_ball_transfer`.
        lengths: l, each above 0.
        count: K, which weighs the directions against the centre.
        dimension: see `draw_ball_transfer`.
        draws: how many directions, at least 2, new ones for each frequency: those of `draws` / K averages together.
        generator: see `draw_ball_transfer`.
    """

    def draw_values(one: float) -> np.ndarray:
        along = _directions_along(dimension, draws, generator)
        shells = sum(np.cos(one * length * along) for length in lengths)
        return (1 + 2 * count * shells) / (1 + 2 * count * len(lengths))

    return _average(draw_values, frequency)


def _directions_along(dimension: int, draws: int, generator: np.random.Generator) -> np.ndarray:
    """The parts of random directions along one axis."""
    normal = generator.standard_normal(draws)
    return normal / np.sqrt(normal**2 + generator.chisquare(dimension - 1, draws))


def _average(draw_values: Callable[[float], np.ndarray], frequency: ArrayLike) -> DrawnTransfer:
    """The mean of what is drawn for each frequency."""
    frequency = np.asarray(frequency, np.float64)
    every = [draw_values(one) for one in frequency.ravel()]
    means = np.array([values.mean() for values in every])
    errors = np.array([values.std(ddof=1) / np.sqrt(len(values)) for values in every])
    return DrawnTransfer(means.reshape(frequency.shape), errors.reshape(frequency.shape))
