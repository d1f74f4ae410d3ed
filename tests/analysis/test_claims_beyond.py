"""Claims that compare two differences."""

import numpy as np
import pytest
from analysis.claim_rows import CLEAN, claim, clean
from scipy import stats

from filterfreq.analysis.claims import score


def test_models_weigh_the_same_in_which_way_a_difference_lies(results_of):
    """At 4 one model is lower by 0.3 and another higher by 0.1: by 0.1 lower in all. At 8 both are lower by 0.02."""
    rows = [
        (model, variant, seed, "frequency_filtered", "accuracy", {"pass": "low", "radius": radius}, value)
        for model, here, seeds in (("m", -0.3, 3), ("n", 0.1, 9))
        for seed in range(seeds)
        for radius, difference in ((4, here), (8, -0.02))
        for variant, value in (("old", 0.5), ("new", 0.5 + difference))
    ]
    measure = {"suite": "frequency_filtered", "metric": "accuracy", "where": [{"radius": 4}]}
    entry = claim(measure)["c"] | {"beyond": {"label": "at 8", "where": [{"radius": 8}]}}
    (row,) = score(results_of(rows), {"c": entry}).to_dict("records")
    assert (row["effect"], row["pairs"]) == (pytest.approx(0.1 - 0.02), 12)
    assert (row["lowest_model"], row["highest_model"]) == (pytest.approx(-0.1 - 0.02), pytest.approx(0.3 - 0.02))


GAINS = {  # what each of two treatments has more than its control, by seed
    ("low-norm", "low"): [0.02, 0.05, 0.03, 0.04],
    ("norm", "natural"): [0.10, 0.11, 0.16, 0.09],
}
MINUS = {"treatment": "norm", "control": "natural"}


def claim_on_gains(direction="lower", **changes):
    return {"c": claim(CLEAN, direction)["c"] | {"treatment": "low-norm", "control": "low", "minus": MINUS} | changes}


def gain_rows(gains):
    return [
        clean(variant, seed, value)
        for (treatment, control), differences in gains.items()
        for seed, difference in enumerate(differences)
        for variant, value in ((treatment, 0.5 + 0.1 * seed + difference), (control, 0.5 + 0.1 * seed))
    ]


def test_a_difference_less_another_is_paired_by_seed(results_of):
    (row,) = score(results_of(gain_rows(GAINS)), claim_on_gains()).to_dict("records")
    small, large = map(np.array, GAINS.values())
    expected = stats.ttest_rel(small, large)
    assert row["effect"] == pytest.approx(np.mean(small) - np.mean(large))
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (row["p"], row["pairs"], row["verdict"]) == (pytest.approx(expected.pvalue), 4, "supported")
    assert (row["minus_treatment"], row["minus_control"]) == ("norm", "natural")
    assert "beyond" not in row


def test_signs_of_both_differences_count(results_of):
    """What harms here by more than it helps there is less help, which `beyond` would call more."""
    harmful = GAINS | {("low-norm", "low"): [-0.2, -0.21, -0.22, -0.23]}
    (row,) = score(results_of(gain_rows(harmful)), claim_on_gains()).to_dict("records")
    assert (row["effect"], row["verdict"]) == (pytest.approx(-0.215 - 0.115), "supported")


def test_a_seed_that_lacks_the_other_difference_is_left_out(results_of):
    rows = [row for row in gain_rows(GAINS) if row[1:3] != ("natural", 1)]
    (row,) = score(results_of(rows), claim_on_gains()).to_dict("records")
    assert (row["pairs"], row["effect"]) == (3, pytest.approx((0.02 + 0.03 + 0.04 - 0.10 - 0.16 - 0.09) / 3))
    alone = [row for row in gain_rows(GAINS) if row[1] != "norm"]
    assert score(results_of(alone), claim_on_gains())["verdict"].item() == "no pairs"
