"""Claims that compare a variant with a sweep where both are alike in another measure."""

import numpy as np
import pytest
from analysis.claim_rows import claim, clean
from scipy import stats

from filterfreq.analysis.claims import score
from filterfreq.analysis.matching import value_at

ATTACKED = {"suite": "adversarial", "metric": "accuracy"}
MATCHED = {"label": "clean accuracy", "suite": "clean", "metric": "accuracy", "also": ["plain"]}
CLAIM = {"c": claim(ATTACKED)["c"] | {"treatment": "penalised", "control": "smooth", "matched": MATCHED}}
# Robust accuracies fall with clean ones as .7 - .5 x from the plain network to the smoothest one, bent in the middle.
SWEEP = {"plain": (0.9, 0.25), "smooth_rho-0.1": (0.8, 0.3), "smooth_rho-0.5": (0.6, 0.4), "smooth": (0.4, 0.8)}


def attacked(variant, seed, value, epsilon="0.03", model="m"):
    return model, variant, seed, *ATTACKED.values(), {"attack": "fgsm", "norm": "linf", "epsilon": epsilon}, value


def rows_of(penalised, model="m"):
    """The sweep and a penalised network of each seed, which is so accurate on clean and on attacked images."""
    return [
        row
        for seed, own in enumerate(penalised)
        for variant, (on_clean, under_attack) in {**SWEEP, "penalised": own}.items()
        for row in (
            clean(variant, seed, on_clean, model),
            attacked(variant, seed, under_attack, model=model),
        )
    ]


PENALISED = [(0.7, 0.37), (0.85, 0.30), (0.5, 0.66)]
ON_LINE = [0.35, 0.275, 0.6]
"""The sweep's robust accuracy at those clean ones, each halfway between two points."""


def test_the_sweep_is_read_at_the_clean_accuracy_of_each_seed(results_of):
    (row,) = score(results_of(rows_of(PENALISED)), CLAIM).to_dict("records")
    expected = stats.ttest_rel([robust for _, robust in PENALISED], ON_LINE)
    assert row["effect"] == pytest.approx(np.mean([0.02, 0.025, 0.06]))
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (row["pairs"], row["verdict"], row["matched"]) == (3, "undecided", "clean accuracy")
    assert (row["fewest_images"], row["most_images"]) == (100, 100)


def test_other_variants_are_no_points_of_the_sweep(results_of):
    others = [("other", 0.7, 0.99), ("smoother", 0.71, 0.99), ("smooth-net", 0.69, 0.99)]
    rows = rows_of(PENALISED)
    rows += [row for name, *both in others for row in (clean(name, 0, both[0]), attacked(name, 0, both[1]))]
    assert score(results_of(rows), CLAIM)["effect"].item() == pytest.approx(0.035)
    # Without the variant that the sweep begins with, the line ends at 0.8.
    alone = {"c": CLAIM["c"] | {"matched": {key: value for key, value in MATCHED.items() if key != "also"}}}
    assert score(results_of(rows), alone)["verdict"].item() == "outside the sweep"


@pytest.mark.parametrize("clean_accuracy", [0.91, 0.39])
def test_outside_the_sweep_there_is_no_verdict(results_of, clean_accuracy):
    outside = [*PENALISED, (clean_accuracy, 0.9)]
    (row,) = score(results_of(rows_of(outside)), CLAIM).to_dict("records")
    assert (row["verdict"], row["pairs"], row["effect"]) == ("outside the sweep", 3, pytest.approx(0.035))
    assert np.isnan(row["p"])
    assert not row["together"]
    (row,) = score(results_of(rows_of([(clean_accuracy, 0.9)] * 3)), CLAIM).to_dict("records")
    assert (row["verdict"], row["pairs"]) == ("outside the sweep", 0)
    assert np.isnan(row["effect"])


def test_models_have_sweeps_of_their_own(results_of):
    rows = rows_of(PENALISED) + rows_of([(0.6, 0.4), (0.8, 0.3)], "n")
    (row,) = score(results_of(rows), CLAIM).to_dict("records")
    assert (row["effect"], row["models"]) == (pytest.approx(0.035 / 2), "m, n")
    assert (row["lowest_model"], row["highest_model"]) == (pytest.approx(0), pytest.approx(0.035))


def test_points_on_other_rows_and_seeds_without_points_do_not_count(results_of):
    rows = rows_of(PENALISED)
    # Attacked otherwise, and a penalised network whose seed has no sweep.
    rows += [attacked("smooth_rho-0.1", seed, 0.9, "0.06") for seed in (0, 1, 2)]
    rows += [clean("penalised", 7, 0.7), attacked("penalised", 7, 0.9)]
    (row,) = score(results_of(rows), CLAIM).to_dict("records")
    line = np.interp([0.7, 0.85, 0.5], [0.4, 0.6, 0.9], [0.8, 0.4, 0.25])
    assert row["pairs"] == 3
    assert row["effect"] == pytest.approx(np.mean([0.37, 0.30, 0.66] - line))


def test_without_the_second_measure_nothing_is_measured(results_of):
    rows = [row for row in rows_of(PENALISED) if row[3] != "clean"]
    assert score(results_of(rows), CLAIM)["verdict"].item() == "not measured"


def test_a_line_goes_through_points_in_the_order_of_their_places():
    places, values = np.array([0.9, 0.1, 0.5]), np.array([1.0, 0.2, 0.6])
    assert value_at(0.3, places, values) == pytest.approx(0.4)
    assert value_at(0.9, places, values) == 1.0
    assert np.isnan([value_at(place, places, values) for place in (0.05, 0.95)]).all()
    assert value_at(0.5, np.array([0.5, 0.5]), np.array([0.2, 0.4])) == pytest.approx(0.3)
