"""Intervals for the mean of paired differences. Imports no torch."""

import numpy as np
from scipy.special import ndtr, stdtrit


def student_interval(differences: np.ndarray, confidence: float = 0.95) -> tuple[float, float]:
    """Return Student's interval of the mean of paired differences: mean +- t s / sqrt(n), n - 1 degrees of freedom.

    Student, The Probable Error of a Mean, Biometrika 6, 1908. It holds for few pairs, where a bootstrap, which cannot
    reach beyond the differences seen, is far too narrow; for two it is wide enough to leave most claims undecided.

    Args:
        differences: n numbers.
        confidence: coverage, in (0, 1).

    Returns:
        The lower and the upper end; NaN for fewer than two numbers.
    """
    n = len(differences)
    if n < 2:
        return np.nan, np.nan
    half = stdtrit(n - 1, (1 + confidence) / 2) * np.std(differences, ddof=1) / np.sqrt(n)
    return float(np.mean(differences) - half), float(np.mean(differences) + half)


def bootstrap_interval(differences: np.ndarray, confidence: float = 0.95) -> tuple[float, float]:
    """Return a bootstrap interval of the mean of paired differences.

    The expanded percentile interval of Hesterberg, What Teachers Should Know About the Bootstrap, The American
    Statistician 69, 2015: percentiles of resampled means at the levels Phi(-sqrt(n / (n - 1)) t), with t the quantile
    of Student's distribution with n - 1 degrees of freedom, which makes up for the narrowness of the plain bootstrap.
    It cannot reach beyond the differences seen, so that of fewer than six it covers the truth less often than it says.

    Args:
        differences: n numbers.
        confidence: coverage, in (0, 1).

    Returns:
        The lower and the upper end, the same for the same numbers; NaN for fewer than two.
    """
    n = len(differences)
    if n < 2:
        return np.nan, np.nan
    tail = ndtr(np.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 - confidence) / 2))
    means = differences[np.random.default_rng(0).integers(n, size=(10_000, n))].mean(axis=1)
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
