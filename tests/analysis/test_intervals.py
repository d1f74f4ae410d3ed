import numpy as np
import pytest
from scipy import stats

from filterfreq.analysis.intervals import Estimate, holm, mean_difference

RUNS = 4_000


def coverage(draw):
    """Which share of the 95 % intervals of drawn groups of differences, of mean 0.3, holds the mean."""
    intervals = np.array([mean_difference(draw()).interval() for _ in range(RUNS)])
    return np.mean((intervals[:, 0] <= 0.3) & (intervals[:, 1] >= 0.3))


# 4 standard deviations of a binomial proportion; the draws are fixed.
CHANCE = 4 * np.sqrt(0.95 * 0.05 / RUNS)


def test_of_one_group_it_is_that_of_a_paired_t_test():
    rng = np.random.default_rng(0)
    for n in (2, 3, 7):
        new, old = rng.normal(size=(2, n))
        expected = stats.ttest_rel(new, old)
        estimate = mean_difference([new - old])
        assert estimate.interval() == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-12)
        assert min(estimate.p_above(0), estimate.p_below(0)) == pytest.approx(expected.pvalue, rel=1e-12)


@pytest.mark.parametrize("pairs", range(2, 11))
def test_interval_covers_the_truth_as_often_as_it_says(pairs):
    rng = np.random.default_rng(pairs)
    assert abs(coverage(lambda: [rng.normal(0.3, 1, size=pairs)]) - 0.95) < CHANCE


def test_of_two_groups_it_is_that_of_welchs_test():
    # Welch's test of x against -y has the same statistic as the mean of both groups' means.
    rng = np.random.default_rng(1)
    x, y = rng.normal(0.3, 1, 3), rng.normal(0.1, 4, 5)
    expected = stats.ttest_ind(x, -y, equal_var=False)
    estimate = mean_difference([x, y])
    assert estimate.degrees == pytest.approx(expected.df, rel=1e-12)
    ends = np.array(expected.confidence_interval(0.95)) / 2
    assert estimate.interval() == pytest.approx(tuple(ends), rel=1e-12)
    assert min(estimate.p_above(0), estimate.p_below(0)) == pytest.approx(expected.pvalue, rel=1e-12)


@pytest.mark.parametrize("spreads", [(1, 1), (1, 2), (1, 1, 1)])
def test_pairs_of_models_that_differ_are_covered_too(spreads):
    """Each model varies round a mean of its own; 0.3 is the mean of these."""
    rng = np.random.default_rng(2)
    means = 0.3 + 2 * (np.arange(len(spreads)) - (len(spreads) - 1) / 2)
    found = coverage(lambda: [rng.normal(mean, spread, 3) for mean, spread in zip(means, spreads, strict=True)])
    # Satterthwaite's degrees of freedom are an approximation: of three pairs each it covers 95 to 97 %.
    assert 0.95 - CHANCE < found < 0.97 + CHANCE


def test_no_interval_without_a_spread():
    for groups in ([], [[0.1]], [[0.1, 0.1, 0.1]], [[0.3 - 0.2, 0.1]], [[0.1, 0.2], [0.3]]):
        estimate = mean_difference([np.array(group) for group in groups])
        assert np.isnan(estimate.interval()).all()
        assert np.isnan(estimate.mean) == (not groups)


@pytest.mark.parametrize("pairs", [2, 3, 5, 10])
@pytest.mark.parametrize("images", [100, 240])
def test_shares_of_few_images_are_covered_too(pairs, images):
    """Values that vary by a point from seed to seed, rounded to whole images: many differences are equal by chance."""
    rng = np.random.default_rng(pairs)
    old, new = (mean + rng.normal(0, 0.01, size=(RUNS, pairs)) for mean in (0.5, 0.537))
    rounded = np.round(new * images) / images - np.round(old * images) / images
    intervals = np.array([mean_difference([differences], images).interval() for differences in rounded])
    covered = np.mean((intervals[:, 0] <= 0.037) & (intervals[:, 1] >= 0.037))
    # Without the variance of rounding it is 81 % for two pairs on 100 images.
    assert covered > 0.95 - CHANCE


def test_equal_differences_vary_as_much_as_rounding():
    estimate = mean_difference([np.array([0.1, 0.1, 0.1])], 200)
    # Two roundings to 1/200 have a variance of 2 / 12 / 200^2.
    assert estimate.interval() == pytest.approx((0.1 - 4.3027 * 0.0011785, 0.1 + 4.3027 * 0.0011785), abs=1e-6)


def test_each_model_weighs_the_same():
    assert mean_difference([np.array([0.1, 0.3]), np.array([0.5, 0.5, 0.5])]).mean == pytest.approx(0.35)


def test_p_values_of_bounds():
    estimate = Estimate(0.02, 0.01, 4.0)
    assert estimate.p_above(0.0) == pytest.approx(2 * stats.t.sf(2, 4))
    assert estimate.p_below(0.05) == pytest.approx(2 * stats.t.sf(3, 4))
    assert estimate.p_above(0.05) == 1


def test_holm_agrees_with_hand_worked_values():
    # 4 x 0.01, 3 x 0.02, then 2 x 0.03 and 1 x 0.04, neither below the one before.
    assert holm(np.array([0.04, 0.01, 0.03, 0.02])) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm(np.array([0.6, 0.9])) == pytest.approx([1.0, 1.0])
    assert len(holm(np.array([]))) == 0


def test_holm_rejects_a_true_hypothesis_as_seldom_as_it_says():
    rng = np.random.default_rng(3)
    p_values = rng.uniform(size=(RUNS, 8))  # of hypotheses that are all true
    rejected = np.array([holm(row).min() <= 0.05 for row in p_values])
    # The smallest of 8 is below 0.05 / 8 in 1 - (1 - 0.05 / 8)^8 of the draws; unadjusted it would be 34 %.
    expected = 1 - (1 - 0.05 / 8) ** 8
    assert abs(rejected.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / RUNS)
