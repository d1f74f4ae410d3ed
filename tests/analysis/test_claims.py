import itertools
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from filterfreq.analysis.claims import score, verdict
from filterfreq.analysis.intervals import Estimate
from filterfreq.evaluation.columns import COLUMNS
from filterfreq.evaluation.corruptions import COMMON
from filterfreq.evaluation.corruptions.sets import CORRUPTION_SETS
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import format_parameter
from filterfreq.frequencies.pairs import distinct_frequencies
from filterfreq.runtime.errors import InputError
from filterfreq.study.claims_files import claims_of_study, load_claims, measured_suites
from filterfreq.study.study import Study

ROOT = Path(__file__).parents[2]
CLAIMS = ROOT / "claims" / "filter_frequency.yaml"
SCHEMA = ROOT / "schemas" / "claims.schema.yaml"


def claim(measure, direction="higher", smallest_effect=0.01):
    return {
        "c": {
            "statement": "The treatment helps.",
            "source": "nobody",
            "measure": measure,
            "treatment": "new",
            "control": "old",
            "direction": direction,
            "smallest_effect": smallest_effect,
        }
    }


@pytest.fixture
def results_of(tmp_path):
    """Make results of (model, variant, seed, suite, metric, parameters, value)."""

    def build(rows):
        records = [
            ("toy", model, variant, seed, suite, metric, format_parameter(**parameters), value, 100, None, None)
            for model, variant, seed, suite, metric, parameters, value in rows
        ]
        pd.DataFrame(records, columns=list(COLUMNS)).to_csv(tmp_path / "toy.csv", index=False)
        return read_results([tmp_path / "toy.csv"])

    return build


def clean(variant, seed, value, model="m"):
    return model, variant, seed, "clean", "accuracy", {"split": "test"}, value


CLEAN = {"suite": "clean", "metric": "accuracy"}


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


def pairs_of(values):
    """Rows of clean accuracies, from pairs (new, old) by model and seed."""
    return [
        clean(variant, seed, value, model)
        for (model, seed), pair in values.items()
        for variant, value in zip(("new", "old"), pair, strict=True)
    ]


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


def energies(variant, seed, shares):
    """Rows of the suite filters: per layer the shares of the coefficients (0, 0), (2, 0), (2, 2)."""
    for index, layer in enumerate(shares):
        for (horizontal, vertical), share in zip([(0, 0), (2, 0), (2, 2)], layer, strict=True):
            where = {"layer": f"conv{index}", "index": index, "depth": index / 2}
            yield (
                *("m", variant, seed, "filters", "energy_share"),
                {**where, "horizontal": horizontal, "vertical": vertical},
                share,
            )


def test_sums_over_some_parameters_and_means_over_the_others(results_of):
    shares = {
        "new": [[0.5, 0.2, 0.3], [0.6, 0.3, 0.1], [0.9, 0.1, 0.0]],
        "old": [[1, 0, 0], [0.8, 0.1, 0.1], [1, 0, 0]],
    }
    rows = [row for variant, layers in shares.items() for row in energies(variant, 0, layers)]
    measure = {
        "suite": "filters",
        "metric": "energy_share",
        "where": [{"depth": {"to": 0.6}, "horizontal": 2}, {"depth": {"to": 0.6}, "vertical": 2}],
        "sum_over": ["horizontal", "vertical"],
    }
    (row,) = score(results_of(rows), claim(measure)).to_dict("records")
    # Layers 0 and 1: high-frequency shares 0.5 and 0.4 against 0 and 0.2; (2, 2) fits both entries and counts once.
    assert row["effect"] == pytest.approx(0.45 - 0.1)
    assert row["pairs"] == 1
    assert row["verdict"] == "too few pairs"
    # The highest frequency is 2 in these layers.
    highest = [{"depth": {"to": 0.6}, key: "highest"} for key in ("horizontal", "vertical")]
    assert score(results_of(rows), claim({**measure, "where": highest}))["effect"].item() == pytest.approx(0.35)


def test_rows_weigh_by_what_they_stand_on(results_of):
    """As a layer by its filters: 900 against 100; what is added up counts them once."""
    shares = {"new": [[0.5, 0.2, 0.3], [0.9, 0.1, 0.0]], "old": [[1, 0, 0], [0.8, 0.1, 0.1]]}
    results = results_of([row for variant, layers in shares.items() for row in energies(variant, 0, layers)])
    results["n"] = results["layer"].map({"conv0": 900, "conv1": 100})
    measure = {"suite": "filters", "metric": "energy_share", "where": [{"horizontal": 2}], "weighted_by_n": True}
    summed = {**measure, "sum_over": ["horizontal", "vertical"]}
    expected = 0.9 * 0.5 + 0.1 * 0.1 - 0.1 * 0.2
    assert score(results, claim(summed))["effect"].item() == pytest.approx(expected)
    assert score(results, claim(measure))["effect"].item() == pytest.approx(expected / 2)


def test_the_highest_frequency_is_that_of_each_layer(results_of):
    """A stem of 7 x 7 and a layer of 3 x 3: the highest is 6 in one and 2 in the other."""
    rows = []
    for variant, (in_stem, in_layer) in {"new": (0.4, 0.2), "old": (0.1, 0.1)}.items():
        for index, (side, share) in enumerate([(7, in_stem), (3, in_layer)]):
            for horizontal, vertical in itertools.product(range(side), repeat=2):
                value = share if (horizontal, vertical) == (side - 1, 0) else 0.0
                where = {"layer": f"conv{index}", "index": index, "depth": float(index)}
                where |= {"horizontal": horizontal, "vertical": vertical}
                rows.append(("m", variant, 0, "filters", "energy_share", where, value))
    measure = {
        **{"suite": "filters", "metric": "energy_share", "sum_over": ["horizontal", "vertical"]},
        "where": [{"horizontal": "highest"}, {"vertical": "highest"}],
    }
    assert score(results_of(rows), claim(measure))["effect"].item() == pytest.approx((0.3 + 0.1) / 2)
    numbers = [{"horizontal": 2}, {"vertical": 2}]  # of the stem, a frequency in the middle
    effect = score(results_of(rows), claim({**measure, "where": numbers}))["effect"].item()
    assert effect == pytest.approx((0.0 + 0.1) / 2)


ENERGIES = {"fog": 0.04, "pixelate": 0.4, "shot_noise": 0.7}


def slopes_of(accuracies: dict[tuple[str, int], tuple]) -> list[tuple]:
    """Rows of the accuracies of runs under three corruptions, twice the accuracy at severity 2, and their energies."""
    rows = [
        ("", "", 0, "spectra", "high_frequency_energy", {"corruption": name, "bandwidth": 27}, energy)
        for name, energy in ENERGIES.items()
    ]
    return rows + [
        ("m", variant, seed, "corruption", "accuracy", {"corruption": name, "severity": severity}, severity * value)
        for (variant, seed), values in accuracies.items()
        for name, value in zip((*ENERGIES, "spatter"), values, strict=True)
        for severity in (1, 2)
    ]


SLOPE = {
    **{"suite": "corruption", "metric": "accuracy"},
    "slope_over": {"parameter": "corruption", "suite": "spectra", "metric": "high_frequency_energy"},
}


def test_a_slope_is_that_of_the_paired_differences(results_of):
    """The corruption without energy counts for nothing; the mean over severities is 1.5 times the values."""
    accuracies = {
        **{("new", 0): (0.1, 0.3, 0.4, 0), ("new", 1): (0.2, 0.3, 0.4, 0)},
        **{("old", 0): (0.2, 0.2, 0.2, 0.5), ("old", 1): (0.4, 0.2, 0.1, 0.5)},
    }
    results = results_of(slopes_of(accuracies))
    (row,) = score(results, claim(SLOPE)).to_dict("records")
    values = {run: 1.5 * np.array(three) for run, (*three, _) in accuracies.items()}
    expected = [np.polyfit([*ENERGIES.values()], values["new", seed] - values["old", seed], 1)[0] for seed in (0, 1)]
    assert (row["effect"], row["pairs"]) == (pytest.approx(np.mean(expected)), 2)
    # Of some corruptions, and of one whose energy is not known.
    some = {**SLOPE, "where": [{"corruption": ["fog", "shot_noise"]}]}
    steps = [np.diff((values["new", seed] - values["old", seed])[[0, 2]]).item() / 0.66 for seed in (0, 1)]
    assert score(results, claim(some))["effect"].item() == pytest.approx(np.mean(steps))
    unknown = {**SLOPE, "where": [{"corruption": ["fog", "spatter"]}]}
    assert score(results, claim(unknown))["verdict"].item() == "not measured"
    without = results[results["suite"] != "spectra"]
    assert score(without, claim(SLOPE))["verdict"].item() == "not measured"
    one = {**SLOPE, "where": [{"corruption": "fog"}]}
    assert score(results, claim(one))["verdict"].item() == "no pairs"


def test_one_variant_is_compared_in_two_measures(results_of):
    rows = [
        ("m", "new", seed, "frequency_filtered", "accuracy", {"pass": kind, "radius": 8}, value + 0.1 * seed)
        for seed in (0, 1, 2)
        for kind, value in (("low", 0.6 + 0.01 * seed), ("high", 0.2))
    ]
    low, high = (
        {"suite": "frequency_filtered", "metric": "accuracy", "where": [{"pass": kind}]} for kind in ("low", "high")
    )
    entry = claim(low)["c"] | {"control": "new", "control_measure": high}
    (row,) = score(results_of(rows), {"c": entry}).to_dict("records")
    assert (row["effect"], row["pairs"], row["verdict"]) == (pytest.approx(0.41), 3, "supported")
    missing = entry | {"control_measure": high | {"where": [{"radius": 9}]}}
    assert score(results_of(rows), {"c": missing})["verdict"].item() == "not measured"


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


def test_rows_are_chosen_by_values_lists_and_ranges(results_of):
    corruptions, severities = ("fog", "snow", "frost"), (1, 2, 3)
    rows = [
        ("m", variant, 0, "corruption", "accuracy", {"corruption": corruption, "severity": severity}, value)
        for variant, scale in (("new", 0.02), ("old", 0))
        for place, (corruption, severity) in enumerate(itertools.product(corruptions, severities))
        for value in [scale * place]
    ]
    measure = {"suite": "corruption", "metric": "accuracy"}

    def effect(where):
        return score(results_of(rows), claim({**measure, "where": where})).loc[0, "effect"]

    assert effect([{"corruption": "snow"}]) == pytest.approx(0.02 * 4)
    assert effect([{"corruption": ["fog", "frost"], "severity": 1}]) == pytest.approx(0.02 * 3)
    # A value without a row would leave another measure than the one that was claimed.
    not_there = {"corruption": ["fog", "brightness"]}, {"severity": 4}, {"severity": {"from": 6}}
    verdicts = [score(results_of(rows), claim({**measure, "where": [one]}))["verdict"].item() for one in not_there]
    assert verdicts == ["not measured", "not measured", "no rows in range"]
    assert effect([{"severity": {"from": 2, "to": 2}}]) == pytest.approx(0.02 * 4)
    assert effect([{"corruption": "fog", "severity": 1}, {"corruption": "frost", "severity": 3}]) == pytest.approx(0.08)


@pytest.mark.parametrize(("ways", "expected"), [(("folded", "separate"), 0.2), (("folded",), 0.4)])
def test_the_way_of_treating_batch_norm_that_is_shown(results_of, ways, expected):
    values = {"separate": {"new": 0.7, "old": 0.5}, "folded": {"new": 0.8, "old": 0.4}}
    layer = {"layer": "conv1", "index": 0, "conv_depth": 0, "conv_depth_norm": 0}
    rows = [
        ("m", variant, 0, "filter_quality", "orthogonality", {"batch_norm": way, **layer}, values[way][variant])
        for way in ways
        for variant in ("new", "old")
    ]
    measure = {"suite": "filter_quality", "metric": "orthogonality", "where": [{"batch_norm": "shown"}]}
    assert score(results_of(rows), claim(measure)).loc[0, "effect"] == pytest.approx(expected)


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


def test_the_projects_own_claims_fit_the_schema_and_what_suites_measure(results_of):
    claims = load_claims(CLAIMS, SCHEMA)
    rows = []
    for variant, seed in itertools.product(("plain", "dct", "dct-penalty", "plain-fgsm"), (0, 1)):
        rows += [
            clean(variant, seed, 0.5),
            *(
                ("m", variant, seed, "corruption", "accuracy", {"corruption": corruption, "severity": 1}, 0.5)
                for corruption in COMMON
            ),
            # The extra corruptions are not common ones.
            (
                "m",
                variant,
                seed,
                "corruption",
                "accuracy",
                {"corruption": "spatter", "severity": 1},
                0.05 * len(variant),
            ),
            ("m", variant, seed, "out_of_distribution", "accuracy", {"set": "sketches"}, 0.5),
            ("m", variant, seed, "cue_conflict", "shape_bias", {"category": "overall"}, 0.5),
            ("m", variant, seed, "out_of_distribution", "accuracy", {"set": "edges"}, 0.5),
            (
                "m",
                variant,
                seed,
                "adversarial",
                "accuracy",
                {"attack": "fgsm", "norm": "linf", "epsilon": "1/255"},
                0.5,
            ),
            *energies(variant, seed, [[0.5, 0.2, 0.3]] * 3),
        ]
    scores = score(results_of(rows), claims)
    assert list(scores["claim"]) == list(claims)
    assert (scores["pairs"] == 2).all()
    assert (scores["effect"] == 0).all()
    of_corruptions = claims["penalty-corruptions"]["measure"]["where"]
    assert of_corruptions == [{"corruption": list(COMMON)}]


def test_the_claims_of_the_fourier_perspective_hold_where_results_are_as_in_the_paper(results_of):
    claims = load_claims(ROOT / "claims" / "fourier.yaml", SCHEMA)
    figure = {
        # The error at the lowest and at other frequencies, the accuracy under low-pass and high-pass noise, and under
        # corruptions: at no high-frequency energy, and so much more at an energy of 1.
        **{"plain": (0.1, 0.8, 0.7, 0.1, 0.8, 0), "gauss": (0.5, 0.3, 0.5, 0.8, 0.6, 0.5)},
        **{"plain-pgd": (0.6, 0.3, 0.4, 0.4, 0.6, 0.35), "autoaugment": (0.1, 0.6, 0.7, 0.2, 0.9, 0.1)},
        **{"low-pass": (0.1, 0.5, 0.7, 0.5, 0.7, 0.2), "high-pass": (0.1, 0.8, 0.7, 0.1, 0.7, -0.2)},
        **{"fog-noise": (0.05, 0.8, 0.7, 0.1, 0.6, 0.2), "plain-fgsm": (0.6, 0.4, 0.4, 0.4, 0.6, 0.35)},
        **{"dct": (0.1, 0.8, 0.7, 0.1, 0.8, 0), "dct-penalty": (0.2, 0.5, 0.7, 0.3, 0.8, 0.1)},
    }
    energies = {name: number / 20 for number, name in enumerate(CORRUPTION_SETS["yin2019"])} | {"fog": 0, "contrast": 0}
    rows = [
        ("", "", 0, "spectra", "high_frequency_energy", {"corruption": name, "bandwidth": 27}, energy)
        for name, energy in energies.items()
    ]
    for (variant, values), seed in itertools.product(figure.items(), (0, 1)):
        lowest, other, low, high, none, slope = values
        run = ("m", variant, seed)
        for u, v in distinct_frequencies(32, 32):
            where = {"l2_norm": 4, "u": u, "v": v}
            rows.append((*run, "fourier_heat_map", "error", where, lowest if max(abs(u), abs(v)) < 2 else other))
        for band, bandwidth, value in (("low", 3, low), ("corner", 3, high), ("corner", 31, high), ("low", 31, 0)):
            where = {"band": band, "bandwidth": bandwidth, "l2_norm": 8}
            rows.append((*run, "band_noise", "accuracy", where, value))
        rows += [
            (*run, "corruption", "accuracy", {"corruption": name, "severity": severity}, none + slope * energy)
            for name, energy in energies.items()
            for severity in (1, 5)
        ]
        for kind, value in (("low", 0.7), ("high", 0.3)):
            rows.append((*run, "frequency_filtered", "accuracy", {"pass": kind, "radius": 8}, value))
    scores = score(results_of(rows), claims)
    assert list(scores["claim"]) == list(claims)
    assert (scores["pairs"] == 2).all()
    signs = {"higher": 1, "lower": -1}
    for row in scores.to_dict("records"):
        assert signs[row["direction"]] * row["effect"] >= row["smallest_effect"], row["claim"]


# What the two variants of a claim may differ in, by what its name begins with.
DIFFERENCES = {
    "penalty": {"penalty"},
    "method": {"penalty", "decomposition"},
    "decomposition": {"decomposition"},
    "fgsm": {"adversarial_training"},
    "natural": set(),
}


@pytest.mark.parametrize(
    ("file", "number", "remarks"),
    [("config.yaml", 15, 0), ("configs/demo/core.yaml", 15, 0), ("docs/results/config.yaml", 24, 1)],
)
def test_the_projects_claims_compare_what_they_speak_of(file, number, remarks):
    study = Study(yaml.safe_load((ROOT / file).read_text()), ROOT / "schemas" / "config.schema.yaml")
    claims, left_out = claims_of_study(study, [ROOT], SCHEMA)
    assert len(claims) == number
    assert len(left_out) == remarks
    for name, entry in claims.items():
        new, old = (study.variants[entry[side]] for side in ("treatment", "control"))
        differing = {key for key in new.keys() | old.keys() if new.get(key) != old.get(key)} - {"label"}
        assert differing == DIFFERENCES[name.split("-")[0]]


def test_missing_claims_are_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"claims\.yaml is missing: restore it from the repository"):
        load_claims(tmp_path / "claims.yaml", SCHEMA)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("direction: higher", "direction: up", "'up' is none of higher, lower, not lower, not higher, equal"),
        ("smallest_effect: 0.01", "smallest_effect: 0", "0 is out of range, it must be greater than 0"),
        ("smallest_effect: 0.01", "smallest_effect: .inf", "smallest_effect: .inf is the number inf to YAML"),
        ("smallest_effect: 0.01", "smallest_effect: .nan", "smallest_effect: .nan is the number nan to YAML"),
        ("smallest_effect: 0.01", "smallest_effect: 1.0e+400", "smallest_effect: inf is no finite number"),
        (
            "smallest_effect: 0.01",
            "smallest_effect: 1",
            "so that 1 would be all of it: write a fraction, 0.01 for one percen",
        ),
        (
            "smallest_effect: 0.01",
            "smallest_effect: 3",
            "3 is out of range, it must be at most 2: write a fraction, 0.01",
        ),
        (
            "- corruption: [",
            "- severity: '1'\n          corruption: [",
            "where.severity: '1' is text, write a number without quotes",
        ),
        (
            "smallest_effect: 0.01",
            "smallest_effect: 0x" + "f" * 5000,
            "is a number of 5002 characters to YAML: write a smaller one",
        ),
        ("{depth: {to: 0.34}", "{depth: {to: .inf}", "to: .inf is the number inf to YAML: write a finite number"),
        ("treatment: plain\n", "treatment: 2001-01-01\n", "treatment: 2001-01-01 is a date to YAML: put it in quotes"),
        ("{depth: {to: 0.34}", "{layer: {to: 0.34}", "where.layer: only numbers have a range, as epoch, severity,"),
        (
            "{depth: {to: 0.34}",
            "{depht: {to: 0.34}",
            "where: unknown parameter of the suite filters 'depht': did you mean",
        ),
        ("{depth: {to: 0.34}", "{depth: {from: 1, to: 0.34}", "where.depth: no number lies from 1 to 0.34, swap them"),
        ("{depth: {to: 0.34}", "{depth: highest", "where.depth: 'highest' is text, write a number without quotes"),
        (
            "horizontal: highest",
            "horizontal: higest",
            "'higest' is text, write a number without quotes, or the word high",
        ),
        (
            "gaussian_noise",
            "gausian_noise",
            "corruption: unknown corruption 'gausian_noise': did you mean 'gaussian_noi",
        ),
        (
            "- corruption: [",
            "- severity: 11\n          corruption: [",
            "where.severity: unknown severity '11': choose one of 1, 2",
        ),
        (
            "suite: corruption\n",
            "suite: corruptions\n",
            "measure.suite: unknown suite 'corruptions': did you mean 'corrup",
        ),
        (
            "metric: shape_bias",
            "metric: shape-bias",
            "unknown metric of the suite cue_conflict 'shape-bias': did you mean",
        ),
        (
            "suite: clean, metric: accuracy",
            "suite: filters, metric: accuracy",
            "metric of the suite filters 'accuracy'",
        ),
        (
            "sum_over: [horizontal",
            "sum_over: [horizontl",
            "sum_over: unknown parameter of the suite filters 'horizontl'",
        ),
        (
            "control: dct\n",
            "control: dct-penalty\n",
            "penalty-adversarial.control: 'dct-penalty' is the treatment itself",
        ),
        (
            "smallest_effect: 0.01",
            "smallest_effect: 1.5",
            "accuracy lies between 0 and 1, so that 1.5 would be all of it: write a fraction",
        ),
        ("metric: accuracy}", "metric: accuracy, where: [{norm: l_2}]}", "unknown norm 'l_2': did you mean 'l2'"),
        ("metric: accuracy}", "metric: accuracy, where: [{epsilon: 8/25x}]}", "where.epsilon: epsilon '8/25x'"),
        (
            "suite: clean, metric: accuracy}",
            "suite: clean, metric: accuracy, slope_over: {parameter: split, suite: spectrum, metric: error}}",
            "measure.slope_over.suite: unknown suite 'spectrum': did you mean 'spectra'",
        ),
        (
            "suite: corruption\n",
            "suite: corruption\n      slope_over:\n"
            "        {parameter: severity, suite: spectra, metric: high_frequency_energy}\n",
            "slope_over.parameter: unknown parameter of the suites corruption and spectra 'severity': choose one of ",
        ),
        (
            "suite: clean, metric: accuracy}\n",
            "suite: clean, metric: accuracy}\n    control_measure: {suite: clean, metric: acuracy}\n",
            "control_measure.metric: unknown metric of the suite clean 'acuracy': did you mean 'accuracy'",
        ),
        (
            "suite: clean, metric: accuracy}",
            "suite: clean, metric: accuracy, over_training: {at: 1, reach: 0.5}}",
            "write {at: 1}, the value at that epoch, or {reach: 0.5}, when half of the last value is reached",
        ),
        (
            "suite: clean, metric: accuracy}",
            "suite: clean, metric: accuracy, over_training: {reach: 1.5}}",
            "over_training.reach: 1.5 is out of range, it must be at most 1",
        ),
        (
            "suite: clean, metric: accuracy}\n",
            "suite: clean, metric: accuracy}\n"
            "    control_measure: {suite: clean, metric: accuracy, over_training: {reach: 0.5}}\n",
            "control_measure: one of the two measures is a share of the training and the other is not",
        ),
        ("treatment: plain\n", "1: plain\n", "has the key 1, which is no text to YAML: put it in quotes"),
        ("treatment: dct", "treatmen: dct", "unknown key 'treatmen': did you mean 'treatment'"),
        ("claims:", "claims: [", "is no YAML"),
    ],
)
def test_a_wrong_claim_is_one_sentence(tmp_path, old, new, message):
    text = CLAIMS.read_text()
    assert old in text
    (tmp_path / "claims.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as error:
        load_claims(tmp_path / "claims.yaml", SCHEMA)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    said_where = rf"({re.escape(str(tmp_path))}/)?claims\.yaml(, line \d+)?: claims\.[a-z-]+[.: ]"
    assert re.match(said_where, str(error.value)) or "is no YAML" in message


def test_claims_that_are_no_text_are_one_sentence(tmp_path):
    (tmp_path / "claims.yaml").write_bytes(b"claims: \xff\xfe")
    with pytest.raises(InputError, match=r"claims\.yaml is damaged .*UnicodeDecodeError.*: restore it from the"):
        load_claims(tmp_path / "claims.yaml", SCHEMA)


def study_of(variants, run=None, **changes):
    """The demo's study with some variants, of which it runs all or some."""
    config = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text())
    config["variants"] = {name: config["variants"].get(name, {}) for name in variants}
    config["experiments"]["demo"]["variants"] = list(run or variants)
    return Study(config | changes, ROOT / "schemas" / "config.schema.yaml")


OF_THE_METHOD = [f"method-{what}" for what in ("adversarial", "corruptions", "out-of-distribution", "shape", "clean")]


def test_claims_on_variants_that_a_study_lacks_are_left_out_and_said():
    claims, left_out = claims_of_study(study_of(["plain", "dct-penalty"]), [ROOT], SCHEMA)
    assert list(claims) == OF_THE_METHOD
    (said,) = left_out
    assert said.startswith("claims/filter_frequency.yaml: left out, as no experiment has the variants in brackets: ")
    assert "penalty-shape (dct)" in said
    assert "fgsm-energy-late (plain-fgsm)" in said


@pytest.mark.parametrize(
    ("variants", "run", "expected"),
    [
        (["plain", "dct", "dct-penalty", "plain-fgsm"], ["plain", "dct-penalty"], OF_THE_METHOD),  # defined, not run
        (["plain", "dct-penalty"], ["plain"], []),
        (
            ["plain", "dct-signal", "dct-signal-penalty", "plain-fast"],
            None,
            [],
        ),  # the project's own names, no misspellings of others
        (["plain", "dct-penalty2"], None, []),
    ],
)
def test_what_no_experiment_runs_is_left_out_and_said(variants, run, expected):
    claims, (said,) = claims_of_study(study_of(variants, run), [ROOT], SCHEMA)
    assert list(claims) == expected
    assert said.count("(") == 15 - len(expected)


def test_two_variants_in_different_experiments_are_no_claim():
    config = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text())
    demo = config["experiments"]["demo"]
    config["experiments"] = {name: demo | {"variants": [name]} for name in ("plain", "dct")}
    study = Study(config, ROOT / "schemas" / "config.schema.yaml")
    claims, (said,) = claims_of_study(study, [ROOT], SCHEMA)
    assert claims == {}
    assert "decomposition-shape (dct and plain)" in said


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("dct-penalti", "claims.c.treatment: 'dct-penalti' is no variant of this study, did you mean 'dct-penalty'?"),
        ("dctpenalty", "did you mean 'dct-penalty'?"),
        ("penalty-dct", "did you mean 'dct-penalty'?"),
        ("dct_penalty", "did you mean 'dct-penalty'?"),
        ("plian-fgsm", "did you mean 'plain-fgsm'?"),
    ],
)
def test_a_variant_but_for_a_slip_is_one_sentence(tmp_path, named, message):
    entry = claim(CLEAN)["c"] | {"treatment": named, "control": "dct"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"claims": {"c": entry}}))
    study = study_of(["plain", "dct", "dct-penalty", "plain-fgsm"], claims=["mine.yaml"])
    with pytest.raises(InputError) as error:
        claims_of_study(study, [tmp_path, ROOT], SCHEMA)
    assert message in str(error.value)


def claims_with(tmp_path, suite, metric, where, **evaluation):
    entry = claim({"suite": suite, "metric": metric, "where": [where]})["c"] | {"treatment": "dct", "control": "plain"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"claims": {"c": entry}}))
    measured = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text())["evaluation"] | evaluation
    study = study_of(["plain", "dct"], claims=["mine.yaml"], evaluation=measured)
    return claims_of_study(study, [tmp_path, ROOT], SCHEMA)


FGSM = {"attack": "fgsm", "norm": "linf", "epsilons": ["2/255"]}
SHOWN = {
    "transfer": {"source": "plain", "images": 9, "attacks": [FGSM]},
    "out_of_distribution": {"sets": ["texdigits-edges"]},
}
FILTERED = {
    "filter_quality": {"batch_norm": ["separate"]},
    "frequency_filtered": {"radii": {"low": [4, 8]}, "mask": "strict", "split": ["test"], "svd": [2]},
    "band_noise": {"norm": 8, "bandwidths": {"low": [33]}},
}


@pytest.mark.parametrize(
    ("suite", "metric", "where", "message"),
    [
        (
            "out_of_distribution",
            "accuracy",
            {"set": "texdigits-edge"},
            "claims.c.measure.where.set: 'texdigits-edge' is not measured, evaluation.out_of_distribution of this "
            "config has texdigits-edges: did you mean 'texdigits-edges'?",
        ),
        (
            "cue_conflict",
            "shape_bias",
            {"category": "overal"},
            "'overal' is not measured, evaluation.cue_conflict of this config has overall, 0 brick, ",
        ),
        (
            "cue_conflict",
            "shape_bias",
            {"category": "cat"},
            "9 rocket: correct the claim, or add it there",
        ),
        ("transfer", "accuracy", {"source": "plane"}, "has plain: did you mean 'plain'"),
        ("adversarial", "accuracy", {"attack": "pdg-10"}, "has fgsm, pgd-10: did you mean 'pgd-10'"),
        (
            "adversarial",
            "accuracy",
            {"attack": "pgd-20"},
            "'pgd-20' is not measured, evaluation.adversarial of this config has fgsm, pgd-10: correct the claim",
        ),
        (
            "adversarial",
            "accuracy",
            {"attack": "autoattack"},
            "'autoattack' is not measured, evaluation.adversarial of this config has fgsm, pgd-10: cor",
        ),
        (
            "adversarial",
            "accuracy",
            {"epsilon": "3/255"},
            "where.epsilon: '3/255' is not measured, evaluation.adversarial of this config has 1/255, 2/255, 4/255, ",
        ),
        (
            "adversarial",
            "accuracy",
            {"epsilon": 8},
            "8 is not measured, evaluation.adversarial of this config has 1/255, 2",
        ),
        (
            "adversarial",
            "accuracy",
            {"epsilon_value": {"from": 0.5}},
            "where.epsilon_value: no epsilon_value that is meas",
        ),
        (
            "frequency_filtered",
            "accuracy",
            {"radius": 5},
            "5 is not measured, evaluation.frequency_filtered of this config has 4, 8: correct the claim",
        ),
        (
            "frequency_filtered",
            "accuracy",
            {"pass": "high"},
            "'high' is not measured, evaluation.frequency_filtered of this config has low: ",
        ),
        (
            "frequency_filtered",
            "accuracy",
            {"split": "train"},
            "'train' is not measured, evaluation.frequency_filtered of this config has test: correct",
        ),
        (
            "frequency_filtered",
            "only_high",
            {"mask": "non_strict"},
            "'non_strict' is not measured, evaluation.frequency_filtered of this config has strict: did you mean",
        ),
        (
            "frequency_filtered",
            "svd_accuracy",
            {"rank": 3},
            "3 is not measured, evaluation.frequency_filtered of this config has 2: correct",
        ),
        (
            "band_noise",
            "accuracy",
            {"band": "corner"},
            "'corner' is not measured, evaluation.band_noise of this config has low: correct",
        ),
        (
            "band_noise",
            "accuracy",
            {"bandwidth": 3},
            "where.bandwidth: 3 is not measured, evaluation.band_noise of this config has 0, 33: correct the claim, or "
            "add it there",
        ),
        (
            "corruption",
            "accuracy",
            {"severity": {"from": 6, "to": 9}},
            "where.severity: no severity that is measured lies",
        ),
        (
            "filters",
            "energy_share",
            {"depth": {"from": 2}},
            "where.depth: no depth lies in this range, they are from 0 to 1",
        ),
        *(
            ("filter_quality", "variance_entropy", {key: wanted}, f"where.{key}: no {key} lies in this range, they are")
            for key, wanted in (
                ("conv_depth_norm", {"from": 1.1}),
                ("conv_depth_norm", 2),
                ("conv_depth", {"to": -1}),
                ("index", [0, -1]),
            )
        ),
        ("filter_quality", "dct_share_raw", {"vertical": {"from": 3}}, "where.vertical: no vertical that is measured"),
        ("filter_quality", "dct_share_raw", {"horizontal": 3}, "where.horizontal: 3 is not measured"),
    ],
)
def test_values_that_the_study_does_not_measure_are_one_sentence(tmp_path, suite, metric, where, message):
    with pytest.raises(InputError) as error:
        claims_with(tmp_path, suite, metric, where, **SHOWN, **FILTERED)
    assert message in str(error.value)
    assert str(error.value).startswith("mine.yaml: claims.c.")


@pytest.mark.parametrize(
    ("suite", "where"),
    [
        ("adversarial", {"attack": "pgd-10", "norm": "l2", "epsilon": 0.25}),
        ("adversarial", {"epsilon": ["1/4", "4/510"]}),  # numbers that are measured, written otherwise
        ("autoattack", {"attack": "fab+apgd-dlr"}),
        ("transfer", {"attack": "anything"}),  # a suite that is not asked for is not measured, whatever it is asked of
    ],
)
def test_values_that_the_study_measures_are_fine(tmp_path, suite, where):
    attacks = {"norm": "linf", "epsilons": ["2/255"], "images": 9, "attacks": ["fab", "apgd-dlr"]}
    claims, _ = claims_with(tmp_path, suite, "accuracy", where, autoattack=[attacks])
    assert list(claims) == ["c"]


@pytest.mark.parametrize(("at", "is_there"), [(1, True), (3, False), (0.25, True)])
def test_a_claim_at_an_epoch_needs_its_snapshot(tmp_path, at, is_there):
    measure = {**CLEAN, "over_training": {"at": at}}
    entry = claim(measure)["c"] | {"treatment": "dct", "control": "plain"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"claims": {"c": entry}}))
    demo = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text())
    demo["training"]["default"]["snapshots"] = {"epochs": [0, 1], "batches": [2]}
    evaluation = {**demo["evaluation"], "over_training": ["clean"]}
    changed = {"claims": ["mine.yaml"], "evaluation": evaluation, "training": demo["training"]}

    def read():
        return claims_of_study(study_of(["plain", "dct"], **changed), [tmp_path, ROOT], SCHEMA)

    if is_there:
        assert list(read()[0]) == ["c"]
    else:
        with pytest.raises(InputError, match=r"\.at: no training keeps a snapshot of epoch 3, they do of 0, 1"):
            read()


def test_a_claim_stands_on_all_suites_of_its_measures():
    entry = claim(SLOPE)["c"]
    assert measured_suites(entry) == {"corruption", "spectra"}
    assert measured_suites(entry | {"control_measure": CLEAN}) == {"corruption", "spectra", "clean"}


def test_two_files_of_claims_with_one_name_are_one_sentence(tmp_path):
    (tmp_path / "mine.yaml").write_text(CLAIMS.read_text())
    study = study_of(["plain", "dct"], claims=["claims/filter_frequency.yaml", "mine.yaml"])
    with pytest.raises(InputError, match=r"mine\.yaml: claims\.decomposition-adversarial: another file of claims has"):
        claims_of_study(study, [tmp_path, ROOT], SCHEMA)


def test_a_missing_file_of_claims_is_one_sentence():
    study = study_of(["plain", "dct"], claims=["claims/filter_frequncy.yaml"])
    with pytest.raises(InputError) as error:
        claims_of_study(study, [ROOT], SCHEMA)
    assert str(error.value) == (
        "claims.0: there is no file 'claims/filter_frequncy.yaml', neither in the working directory nor in the "
        "repository: did you mean 'claims/filter_frequency.yaml'?"
    )


def test_epsilons_are_compared_by_value(results_of):
    rows = [
        ("m", variant, 0, "adversarial", "accuracy", {"attack": "fgsm", "norm": "l2", "epsilon": epsilon}, value)
        for variant, value in (("new", 0.5), ("old", 0.3))
        for epsilon in ("0.5", "2/255")
    ]
    for epsilon in ("0.50", "1/2", 0.5, "4/510"):
        measure = {"suite": "adversarial", "metric": "accuracy", "where": [{"epsilon": epsilon}]}
        assert score(results_of(rows), claim(measure))["effect"].item() == pytest.approx(0.2)
