"""Claims that compare two differences."""

import pytest
from analysis.claim_rows import claim

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
