"""What claims measure: the rows that they choose, and the one number that these make."""

import itertools

import numpy as np
import pytest
from analysis.claim_rows import SLOPE, claim, energies

from filterfreq.analysis.claims import score


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


def test_epsilons_are_compared_by_value(results_of):
    rows = [
        ("m", variant, 0, "adversarial", "accuracy", {"attack": "fgsm", "norm": "l2", "epsilon": epsilon}, value)
        for variant, value in (("new", 0.5), ("old", 0.3))
        for epsilon in ("0.5", "2/255")
    ]
    for epsilon in ("0.50", "1/2", 0.5, "4/510"):
        measure = {"suite": "adversarial", "metric": "accuracy", "where": [{"epsilon": epsilon}]}
        assert score(results_of(rows), claim(measure))["effect"].item() == pytest.approx(0.2)
