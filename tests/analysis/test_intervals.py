import numpy as np
import pytest
from scipy import stats

from filterfreq.analysis.intervals import bootstrap_interval, student_interval


def test_interval_is_that_of_a_paired_t_test():
    rng = np.random.default_rng(0)
    for n in (2, 3, 7):
        new, old = rng.normal(size=(2, n))
        expected = stats.ttest_rel(new, old).confidence_interval(0.95)
        assert student_interval(new - old) == pytest.approx(tuple(expected), rel=1e-12)


def test_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    intervals = np.array([student_interval(rng.normal(0.3, 1, size=3)) for _ in range(2_000)])
    covered = ((intervals[:, 0] <= 0.3) & (intervals[:, 1] >= 0.3)).sum()
    # 4 standard deviations of a binomial proportion; the draw is fixed.
    assert abs(covered / 2_000 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 2_000)


def test_one_difference_has_no_interval():
    for interval in (student_interval, bootstrap_interval):
        assert np.isnan(interval(np.array([0.1]))).all()


def test_bootstrap_agrees_with_scipys_at_the_same_levels():
    differences = np.random.default_rng(1).gamma(2, size=12)
    # Of twelve differences the levels are those of Student's t, expanded by sqrt(12 / 11).
    tail = stats.norm.cdf(np.sqrt(12 / 11) * stats.t.ppf(0.025, 11))
    expected = stats.bootstrap(
        (differences,), np.mean, confidence_level=1 - 2 * tail, method="percentile", rng=1, n_resamples=50_000
    ).confidence_interval
    # Both are Monte Carlo; 2 % of the width is some three standard errors of such an end.
    assert bootstrap_interval(differences) == pytest.approx(tuple(expected), abs=0.02 * (expected[1] - expected[0]))


def test_bootstrap_of_two_reaches_from_one_to_the_other():
    assert bootstrap_interval(np.array([0.3, 0.1])) == (0.1, 0.3)


def test_bootstrap_is_the_same_every_time():
    differences = np.random.default_rng(2).normal(size=5)
    assert bootstrap_interval(differences) == bootstrap_interval(differences)
