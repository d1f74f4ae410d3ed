"""Claims: what is compared with what, and which verdict a difference has."""

import numpy as np
import pytest
from analysis.claim_rows import CLEAN, claim, clean, pairs_of
from scipy import stats

from filterfreq.analysis.claims import score, verdict
from filterfreq.analysis.intervals import Estimate


# Intervals of the mean of five differences: 2.776 standard errors to either side.
@pytest.mark.parametrize(
    ("direction", "effect", "low", "high", "expected"),
    [
        ("higher", 0.05, 0.02, 0.08, "supported"),
        ("higher", 0.05, -0.01, 0.11, "undecided"),
        ("higher", 0.008, 0.002, 0.014, "undecided"),  # too small to matter, yet the interval reaches what matters
        ("higher", 0.005, 0.001, 0.009, "negligible"),  # there, but smaller than anyone cares about
        ("higher", -0.005, -0.009, -0.001, "negligible"),
        ("higher", 0.0, -0.009, 0.009, "negligible"),
        ("higher", -0.01, -0.029, 0.009, "contradicted"),
        ("higher", -0.05, -0.08, -0.02, "contradicted"),
        ("lower", -0.05, -0.08, -0.02, "supported"),
        ("lower", -0.005, -0.009, -0.001, "negligible"),
        ("lower", 0.05, 0.02, 0.08, "contradicted"),
        ("not lower", 0.0, -0.005, 0.005, "supported"),
        ("not lower", 0.0, -0.02, 0.02, "undecided"),
        ("not lower", -0.05, -0.08, -0.02, "contradicted"),
        ("not higher", -0.05, -0.08, -0.02, "supported"),
        ("not higher", 0.05, 0.02, 0.08, "contradicted"),
        ("equal", 0.0, -0.005, 0.005, "supported"),
        ("equal", 0.0, -0.02, 0.02, "undecided"),
        ("equal", 0.05, 0.02, 0.08, "contradicted"),
        ("equal", -0.05, -0.08, -0.02, "contradicted"),
    ],
)
def test_verdicts(direction, effect, low, high, expected):
    estimate = Estimate(effect, (high - low) / 2 / stats.t.ppf(0.975, 4), 4)
    assert estimate.interval() == pytest.approx((low, high))
    assert verdict(direction, 0.01, estimate)[0] == expected


def test_without_an_interval_nothing_is_decided():
    assert verdict("higher", 0.01, Estimate(0.5, np.nan, np.nan))[0] == "undecided"


def test_runs_are_paired_by_model_and_seed(results_of):
    rows = pairs_of({("m", 0): (0.5, 0.4), ("m", 1): (0.62, 0.5), ("m", 2): (0.91, 0.8)})
    rows += [clean("new", 7, 0.0), clean("old", 8, 0.0), clean("other", 0, 0.0)]  # without a partner
    (row,) = score(results_of(rows), claim(CLEAN)).to_dict("records")
    expected = stats.ttest_rel([0.5, 0.62, 0.91], [0.4, 0.5, 0.8])
    assert row["pairs"] == 3
    assert row["effect"] == pytest.approx(0.11)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert row["verdict"] == "supported"
    assert row["p"] == pytest.approx(expected.pvalue)


def test_models_are_not_one_sample(results_of):
    """Two models whose effects differ: each weighs the same, and only their own spread counts."""
    m, n = [0.10, 0.11, 0.12], [0.30, 0.33, 0.36]
    values = {("m", seed): (0.4 + by, 0.4) for seed, by in enumerate(m)}
    values |= {("n", seed): (0.5 + by, 0.5) for seed, by in enumerate(n)}
    (row,) = score(results_of(pairs_of(values)), claim(CLEAN)).to_dict("records")
    assert row["pairs"] == 6
    assert row["effect"] == pytest.approx((0.11 + 0.33) / 2)
    assert (row["lowest_model"], row["highest_model"]) == pytest.approx((0.11, 0.33))
    assert row["verdict"] == "supported"
    welch = stats.ttest_ind(m, [-by for by in n], equal_var=False).confidence_interval(0.95)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((welch.low / 2, welch.high / 2))
    fewer = {key: pair for key, pair in values.items() if key != ("n", 1)}
    assert score(results_of(pairs_of(fewer)), claim(CLEAN))["verdict"].tolist() == ["too few pairs"]


def test_two_pairs_have_an_interval_but_no_verdict(results_of):
    rows = pairs_of({("m", 0): (0.9, 0.5), ("m", 1): (0.91, 0.52)})
    (row,) = score(results_of(rows), claim(CLEAN)).to_dict("records")
    expected = stats.ttest_rel([0.9, 0.91], [0.5, 0.52]).confidence_interval(0.95)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected))
    assert (row["verdict"], row["pairs"]) == ("too few pairs", 2)
    assert not row["together"]


def test_images_are_those_that_the_claim_stands_on(results_of):
    rows = pairs_of({("m", 0): (0.9, 0.5), ("n", 0): (0.91, 0.52)})
    rows += [("m", "new", 0, "adversarial", "accuracy", {"attack": "fgsm", "norm": "l2", "epsilon": "1"}, 0.1)]
    results = results_of(rows)
    results["n"] = [500, 400, 300, 200, 7]
    (row,) = score(results, claim(CLEAN)).to_dict("records")
    assert (row["fewest_images"], row["most_images"], row["models"]) == (200, 500, "m, n")


def test_what_stays_undecided_was_tested_too(results_of):
    supported = {("m", seed): (0.45 + by, 0.4) for seed, by in enumerate([0.0, 0.005, 0.01])}
    undecided = {("m", seed): (0.45 + by, 0.4) for seed, by in enumerate([-0.2, 0.1, 0.2])}
    rows = pairs_of(supported)
    for (_, seed), (new, old) in undecided.items():
        for variant, value in (("new", new), ("old", old)):
            rows.append(("m", variant, seed, "out_of_distribution", "accuracy", {"set": "edges"}, value))
    shifted = claim({"suite": "out_of_distribution", "metric": "accuracy"})["c"]
    for number, holds in ((14, True), (19, False)):  # of p = 0.0027, times one more than there are undecided ones
        several = claim(CLEAN) | {f"u{place}": shifted for place in range(number)}
        scores = score(results_of(rows), several)
        assert scores["verdict"].tolist() == ["supported"] + ["undecided"] * number
        assert scores["together"].tolist() == [holds] + [False] * number


def test_several_claims_at_once_ask_more_of_each(results_of):
    noise = [0.0, 0.005, 0.01]
    rows = pairs_of({("m", seed): (0.45 + by, 0.4) for seed, by in enumerate(noise)})
    alone = score(results_of(rows), claim(CLEAN))
    assert alone["verdict"].tolist() == ["supported"]
    assert alone["p"].item() == pytest.approx(stats.ttest_1samp([0.05, 0.055, 0.06], 0).pvalue)
    assert alone["together"].tolist() == [True]
    # The same claim fifteen times over: its p-value of 0.0027 times 15 is below 0.05, times 20 is not.
    for times, holds in ((15, True), (20, False)):
        several = {f"c{place}": claim(CLEAN)["c"] for place in range(times)}
        assert set(score(results_of(rows), several)["together"]) == {holds}


def test_nothing_to_compare_is_not_tested(results_of):
    (row,) = score(results_of([clean("new", 0, 0.5)]), claim(CLEAN)).to_dict("records")
    assert (row["verdict"], row["pairs"]) == ("no pairs", 0)


@pytest.mark.parametrize(
    "measure",
    [
        {"suite": "corruption", "metric": "accuracy"},
        {"suite": "clean", "metric": "expected_calibration_error"},
        {**CLEAN, "where": [{"split": "train"}]},
        {"suite": "filters", "metric": "energy_share", "where": [{"depth": {"to": 0.3}}], "sum_over": ["horizontal"]},
    ],
    ids=["suite", "metric", "rows", "summed"],
)
def test_a_measure_without_results_is_not_measured(results_of, measure):
    results = results_of([clean("new", 0, 0.5), clean("old", 0, 0.5)])
    scores = score(results, claim(CLEAN) | {"other": claim(measure)["c"]})
    assert scores["verdict"].tolist() == ["too few pairs", "not measured"]
    assert scores["pairs"].tolist() == [1, 0]
    assert np.isnan(scores["effect"][1])


def test_one_pair_has_an_effect_but_no_verdict(results_of):
    (row,) = score(results_of([clean("new", 0, 0.9), clean("old", 0, 0.5)]), claim(CLEAN)).to_dict("records")
    assert row["effect"] == pytest.approx(0.4)
    assert np.isnan([row["ci_low"], row["ci_high"]]).all()
    assert (row["verdict"], row["pairs"]) == ("too few pairs", 1)


def test_runs_with_other_rows_are_no_pair(results_of):
    rows = [
        ("m", variant, 0, "corruption", "accuracy", {"corruption": corruption, "severity": 1}, 0.5)
        for variant, corruption in (("new", "fog"), ("new", "snow"), ("old", "fog"))
    ]
    (row,) = score(results_of(rows), claim({"suite": "corruption", "metric": "accuracy"})).to_dict("records")
    assert (row["verdict"], row["pairs"]) == ("no pairs", 0)
