"""Claims on snapshots of a training."""

import numpy as np
import pytest
from analysis.claim_rows import CLEAN, claim, pairs_of

from filterfreq.analysis.claims import score


def snapshot_rows(kind, seed, values, variant="new"):
    return [
        ("m", variant, seed, "frequency_filtered", "accuracy", {"epoch": epoch, "pass": kind, "radius": 8}, value)
        for epoch, value in values.items()
    ]


def test_a_value_at_an_epoch_is_that_of_the_snapshot(results_of):
    rows = pairs_of({("m", seed): (0.9, 0.9) for seed in (0, 1, 2)})
    rows += [
        ("m", variant, seed, "clean", "accuracy", {"epoch": epoch, "split": "test"}, value + 0.01 * seed * epoch)
        for seed in (0, 1, 2)
        for variant, values in (("new", {1: 0.5, 2: 0.9}), ("old", {1: 0.3, 2: 0.9}))
        for epoch, value in values.items()
    ]
    results = results_of(rows)
    (row,) = score(results, claim({**CLEAN, "over_training": {"at": 1}})).to_dict("records")
    assert (row["effect"], row["pairs"], row["verdict"]) == (pytest.approx(0.2), 3, "supported")
    # Snapshots are none of the trained models, and the other way round.
    assert score(results, claim(CLEAN))["effect"].item() == pytest.approx(0)
    assert score(results, claim({**CLEAN, "over_training": {"at": 3}}))["verdict"].item() == "not measured"
    only_trained = results_of(rows[:6])
    assert score(only_trained, claim({**CLEAN, "over_training": {"at": 1}}))["verdict"].item() == "not measured"


def test_what_is_learned_first(results_of):
    """Half of the low components' accuracy is there after 1 epoch of 10, of the high ones' after 5."""
    rows = []
    for seed in (0, 1, 2):
        rows += snapshot_rows("low", seed, {0: 0.1, 1: 0.4 + 0.01 * seed, 10: 0.8 + 0.02 * seed})
        rows += snapshot_rows("high", seed, {0: 0.1, 5: 0.3 - 0.02 * seed, 10: 0.6})
    results = results_of(rows)
    low, high = (
        {"suite": "frequency_filtered", "metric": "accuracy", "where": [{"pass": kind}]}
        | {"over_training": {"reach": 0.5}}
        for kind in ("low", "high")
    )
    entry = claim(low, "lower")["c"] | {"control": "new", "control_measure": high}
    (row,) = score(results, {"c": entry}).to_dict("records")
    high_epochs = [5 + 5 * 0.02 * seed / (0.3 + 0.02 * seed) for seed in (0, 1, 2)]
    expected = (1 - np.mean(high_epochs)) / 10
    assert (row["effect"], row["pairs"], row["verdict"]) == (pytest.approx(expected), 3, "supported")
    from_chance = [{**side, "over_training": {"reach": 0.5, "above": 0.1}} for side in (low, high)]
    entry |= {"measure": from_chance[0], "control_measure": from_chance[1]}
    low_epochs = [1 + 9 * 0.05 / (0.4 + 0.01 * seed) for seed in (0, 1, 2)]
    high_epochs = [5 + 5 * (0.05 + 0.02 * seed) / (0.3 + 0.02 * seed) for seed in (0, 1, 2)]
    expected = (np.mean(low_epochs) - np.mean(high_epochs)) / 10
    assert score(results, {"c": entry})["effect"].item() == pytest.approx(expected)


def test_trainings_with_other_snapshots_are_compared_in_when_they_reach_a_level(results_of):
    rows = []
    for seed in (0, 1, 2):
        rows += snapshot_rows("low", seed, {0.5: 0.2, 1: 0.4 + 0.01 * seed, 10: 0.8}, "new")
        rows += snapshot_rows("low", seed, {2: 0.4, 10: 0.8}, "old")
    measure = {"suite": "frequency_filtered", "metric": "accuracy", "over_training": {"reach": 0.5}}
    (row,) = score(results_of(rows), claim(measure, "lower")).to_dict("records")
    expected = np.mean([0.5 + 0.5 * 0.2 / (0.2 + 0.01 * seed) for seed in (0, 1, 2)]) / 10 - 0.2
    assert (row["effect"], row["pairs"]) == (pytest.approx(expected), 3)
    summed = {**measure, "sum_over": ["pass"]}
    assert score(results_of(rows), claim(summed, "lower"))["effect"].item() == pytest.approx(expected)


def test_a_level_that_is_reached_from_above_is_reached_later_at_higher_frequencies(results_of):
    """Of 10 epochs after about 2 at the first chosen frequency, and never at the other."""
    said = {"class": 0, "split": "train", "output": "probability"}
    rows = [
        ("m", "new", seed, "response_frequency", "frequency_error", {"epoch": epoch, **said, "chosen": chosen}, value)
        for seed in (0, 1, 2)
        for chosen, values in (
            (0, {0: 0.9, 1: 0.2 + seed / 50, 3: 0.0, 10: 0.0}),
            (1, {0: 1.0, 1: 0.9, 3: 0.8, 10: 0.2 + seed / 9}),
        )
        for epoch, value in values.items()
    ]
    measures = [
        {"suite": "response_frequency", "metric": "frequency_error", "where": [{"chosen": chosen}]}
        | {"over_training": {"below": 0.1}}
        for chosen in (1, 0)
    ]
    entry = claim(measures[0], "higher")["c"] | {"control": "new", "control_measure": measures[1]}
    (row,) = score(results_of(rows), {"c": entry}).to_dict("records")
    reached = [1 + 2 * (0.1 + seed / 50) / (0.2 + seed / 50) for seed in (0, 1, 2)]
    expected = 1 - np.mean(reached) / 10
    assert (row["effect"], row["pairs"], row["verdict"]) == (pytest.approx(expected), 3, "supported")
