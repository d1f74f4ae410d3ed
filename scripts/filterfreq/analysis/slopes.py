"""Least-squares lines through few points, and how sure their slopes are. Imports no torch."""

from typing import NamedTuple

import numpy as np

FEWEST_POINTS = 3
"""What a line needs that is to say something: through two points there always is one."""

_DRAWS = 10_000
_SEED = 0  # of the bootstrap, so that equal points have equal intervals


class Line(NamedTuple):
    """A least-squares line y = slope x + intercept.

    Attributes:
        slope: NaN, as all else, of fewer than two different x.
        intercept: y at x = 0.
        residual: the sum of the squared residuals, as `numpy.polyfit` returns it.
        r_squared: the share of the variance of y that the line explains; NaN where y is constant.
        ci_low: the lower end of the slope's 95 % bootstrap interval.
        ci_high: its upper end.
    """

    slope: float
    intercept: float
    residual: float
    r_squared: float
    ci_low: float
    ci_high: float


def fit_line(x: np.ndarray, y: np.ndarray) -> Line:
    """Fit a line, with the percentile interval of its slope over 10,000 draws of as many points with replacement.

    Efron, Bootstrap Methods: Another Look at the Jackknife, Annals of Statistics 7, 1979. The points are what varies:
    the interval says how far the slope depends on which points were taken, and nothing of how exact each of them is.

    Args:
        x: float, n.
        y: float, n.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    slope = float(least_squares_slope(x, y))
    if np.isnan(slope):
        return Line(*[np.nan] * 6)
    intercept = float(y.mean() - slope * x.mean())
    residual = float(((y - slope * x - intercept) ** 2).sum())
    variation = float(((y - y.mean()) ** 2).sum())
    drawn = np.random.default_rng(_SEED).integers(0, len(x), (_DRAWS, len(x)))
    # Draws of one point again and again have no slope.
    low, high = np.nanpercentile(least_squares_slope(x[drawn], y[drawn]), [2.5, 97.5])
    return Line(slope, intercept, residual, 1 - residual / variation if variation else np.nan, float(low), float(high))


def least_squares_slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the slopes of the least-squares lines through the points along the last axis.

    Args:
        x: float, ... x n.
        y: float, ... x n.

    Returns:
        float, ...; NaN where there are not two different x.
    """
    if x.shape[-1] == 0:
        return np.full(x.shape[:-1], np.nan)
    from_mean = x - x.mean(axis=-1, keepdims=True)
    spread = (from_mean**2).sum(axis=-1)
    is_point = x.max(axis=-1) == x.min(axis=-1)
    return np.where(is_point, np.nan, (from_mean * y).sum(axis=-1) / np.where(is_point, 1, spread))
