"""Intervals and tests for the mean of paired differences. Imports no torch."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# What is smaller is the rounding of floating-point numbers.
_NO_SPREAD = 1e-12


class Estimate(NamedTuple):
    """A mean of paired differences and how sure it is.

    Attributes:
        mean: the mean, NaN of nothing.
        standard_error: its standard error, NaN where the differences do not tell it.
        degrees: the degrees of freedom of the standard error, NaN where there is none.
    """

    mean: float
    standard_error: float
    degrees: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return Student's interval: mean +- t s.

        Student, The Probable Error of a Mean, Biometrika 6, 1908. It holds for few pairs, where a bootstrap, which
        cannot reach beyond the differences seen, is far too narrow.

        Args:
            confidence: coverage, in (0, 1).

        Returns:
            The lower and the upper end; NaN where there is no standard error.
        """
        # Whoever plans reads of claims without any number, and scipy takes a third of a second.
        from scipy.special import stdtrit

        half = stdtrit(self.degrees, (1 + confidence) / 2) * self.standard_error
        return float(self.mean - half), float(self.mean + half)

    def p_above(self, bound: float) -> float:
        """Return the two-sided p-value of "the mean is at most `bound`"; below 0.05 the 95 % interval lies above it.

        Twice the one-sided one, so that a test and the interval say the same; more than 1 is 1, NaN where there is no
        standard error.
        """
        return self._two_sided(self.mean - bound)

    def p_below(self, bound: float) -> float:
        """Return the same of "the mean is at least `bound`"."""
        return self._two_sided(bound - self.mean)

    def _two_sided(self, distance: float) -> float:
        """The p-value of a mean that lies beyond a bound by a distance."""
        from scipy.special import stdtr

        return min(1.0, 2 * float(stdtr(self.degrees, -distance / self.standard_error)))


def mean_difference(groups: Sequence[np.ndarray], images: float = np.nan) -> Estimate:
    """Estimate the mean of paired differences, each group of them (a model's pairs) weighing the same.

    Of one group it is the paired t-test's: s / sqrt(n), n - 1 degrees of freedom. Pairs of several models do not vary
    round one mean, so they are no sample of one kind: the mean is that of the groups' means, its variance the sum of
    their variances over the square of their number, with Satterthwaite's degrees of freedom (An Approximate
    Distribution of Estimates of Variance Components, Biometrics Bulletin 2, 1946). It speaks of these models, not of
    models in general.

    A share of N images is a number rounded to 1/N, so that differences of few images are often equal by chance alone.
    Rounding one number to 1/N adds a variance of 1 / (12 N^2) (Sheppard's correction), to a difference of two twice
    that: no variance counts as smaller.

    Args:
        groups: differences, an array for each group, none of them empty.
        images: on how many images each value stands of which these are differences; NaN where it is no share of any.

    Returns:
        The estimate; without a standard error where a group has one difference, or where no group has two that differ
        and the number of images is not known, which tells nothing of how much others would.
    """
    if not groups:
        return Estimate(np.nan, np.nan, np.nan)
    mean = float(np.mean([np.mean(group) for group in groups]))
    if min(map(len, groups)) < 2:
        return Estimate(mean, np.nan, np.nan)
    rounding = 0.0 if np.isnan(images) else 1 / (6 * images**2)
    variances = np.array([max(np.var(group, ddof=1), rounding) / len(group) for group in groups])
    if np.sqrt(variances.sum()) < _NO_SPREAD:
        return Estimate(mean, np.nan, np.nan)
    freedom = np.array([len(group) - 1 for group in groups])
    degrees = variances.sum() ** 2 / (variances**2 / freedom).sum()
    return Estimate(mean, float(np.sqrt(variances.sum()) / len(groups)), float(degrees))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return p-values adjusted for being several, so that all those below a level are so together.

    Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6, 1979: the
    smallest of m times m, the next times m - 1, and so on, none smaller than the one before it and none above 1.

    Args:
        p_values: m numbers in [0, 1].
    """
    order = np.argsort(p_values, kind="stable")
    raised = np.asarray(p_values, dtype=float)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(raised)) if len(order) else raised
    return adjusted
