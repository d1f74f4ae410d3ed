"""Claims over pairs, whose treatments and controls are of different sources."""

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats
from study_configs import ROOT, SCHEMA

from filterfreq.analysis.claims import score
from filterfreq.analysis.pairs import observations, pair_values
from filterfreq.evaluation.columns import COLUMNS
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import format_parameter
from filterfreq.runtime.errors import InputError
from filterfreq.study.claims_files import claims_of_study, load_claims
from filterfreq.study.study import Study

CLAIMS_SCHEMA = ROOT / "schemas" / "claims.schema.yaml"
CLEAN = {"suite": "clean", "metric": "accuracy"}


def a_run(variant, model="net", seed=0) -> dict:
    return {"dataset": "toy", "model": model, "variant": variant, "seed": seed}


def pair(treatment, control) -> dict:
    return {"treatment": a_run(treatment, "zoo"), "control": control}


ONE, OTHER = a_run("plain"), a_run("plain", seed=1)
# Three robust models, two of them against one control.
PAIRS = [pair("a", ONE), pair("b", ONE), pair("c", OTHER), pair("d", OTHER | {"model": "wide"})]


def claim(measure=CLEAN, **changes) -> dict:
    entry = {"statement": "It helps.", "source": "nobody", "measure": measure, "over": "pairs"}
    return {"c": {**entry, "direction": "higher", "smallest_effect": 0.01, **changes}}


@pytest.fixture
def results_of(tmp_path):
    """Make results of (run, suite, metric, parameters, value)."""

    def build(rows) -> pd.DataFrame:
        records = [
            (*run.values(), suite, metric, format_parameter(**parameters), value, 100, None, None)
            for run, suite, metric, parameters, value in rows
        ]
        pd.DataFrame(records, columns=list(COLUMNS)).to_csv(tmp_path / "toy.csv", index=False)
        return read_results([tmp_path / "toy.csv"])

    return build


@pytest.fixture
def results(results_of) -> pd.DataFrame:
    """Differences of 0.1, 0.2 and 0.6; the fourth pair lacks its control."""
    values = [(a_run(name, "zoo"), value) for name, value in zip("abcd", (0.5, 0.6, 0.9, 0.4), strict=True)]
    values += [(ONE, 0.4), (OTHER, 0.3), (a_run("a"), 0.0), (a_run("plain", seed=2), 0.0)]  # the last two in no pair
    return results_of((run, "clean", "accuracy", {"split": "test"}, value) for run, value in values)


def test_a_control_counts_in_each_of_its_pairs(results):
    (row,) = score(results, claim(), PAIRS).to_dict("records")
    expected = stats.ttest_rel([0.5, 0.6, 0.9], [0.4, 0.4, 0.3])
    assert row["effect"] == pytest.approx(0.3)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (row["pairs"], row["controls"], row["counting"]) == (3, 2, "each_pair")
    assert (row["treatment"], row["control"], row["over"]) == ("treatments", "controls", "pairs")
    assert row["models"] == "zoo, net"
    assert (row["fewest_images"], row["most_images"]) == (100, 100)
    assert row["lowest_model"] == row["highest_model"] == row["effect"]
    assert row["verdict"] == "undecided"


def test_a_control_counts_once_as_the_mean_of_its_pairs(results):
    """The control of a and b makes one observation, 0.15, that of c another, 0.6."""
    (row,) = score(results, claim(), PAIRS, "once").to_dict("records")
    expected = stats.ttest_1samp([0.15, 0.6], 0)
    assert row["effect"] == pytest.approx(0.375)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (row["pairs"], row["controls"], row["counting"]) == (3, 2, "once")
    assert row["verdict"] == "too few pairs"


def test_observations_are_of_the_pairs_that_have_a_number():
    values = pd.Series([0.1, 0.2, 0.6], index=[0, 1, 3])
    assert observations(values, PAIRS, "each_pair").tolist() == [0.1, 0.2, 0.6]
    assert observations(values, PAIRS, "once").tolist() == pytest.approx([0.15, 0.6])
    # Two runs of one variant and seed, but of two models, are two controls.
    assert observations(pd.Series([0.3, 0.5], index=[2, 3]), PAIRS, "once").tolist() == [0.3, 0.5]
    assert observations(values[:0], PAIRS, "once").tolist() == []


def test_values_are_those_of_the_runs_of_each_pair():
    runs = pd.Series({("zoo", "a", 0): 0.5, ("net", "plain", 0): 0.25})
    found = pair_values(runs, runs, PAIRS[:2])
    assert found["treatment"].tolist() == pytest.approx([0.5, np.nan], nan_ok=True)
    assert found["control"].tolist() == [0.25, 0.25]


def test_claims_without_pairs_say_no_more_than_before(results):
    by_variant = claim(treatment="a", control="plain")
    del by_variant["c"]["over"]
    alone = score(results, by_variant)
    pd.testing.assert_frame_equal(score(results, by_variant, PAIRS), alone)
    assert not {"over", "controls", "counting"} & set(alone)
    both = score(results, {"v": by_variant["c"], **claim()}, PAIRS)
    assert both["over"].fillna("").tolist() == ["", "pairs"]
    assert both["controls"].tolist()[1] == 2
    assert both["pairs"].tolist() == [1, 3]


def layers(run, names, shares):
    for index, (name, share) in enumerate(zip(names, shares, strict=True)):
        where = {"layer": name, "index": index, "depth": index / (len(names) - 1)}
        for horizontal, value in ((0, 1 - share), (2, share)):
            yield run, "filters", "energy_share", {**where, "horizontal": horizontal, "vertical": 0}, value


@pytest.mark.parametrize("summed", [{}, {"sum_over": ["horizontal", "vertical"]}])
def test_layers_of_another_source_may_have_other_names_and_depths(results_of, summed):
    rows = [
        *layers(a_run("a", "zoo"), ["block.0.conv", "block.1.conv", "last"], [0.1, 0.2, 0.3]),
        *layers(a_run("b", "zoo"), ["block.0.conv", "last"], [0.1, 0.3]),
        *layers(a_run("c", "zoo"), ["block.0.conv", "last"], [0.2, 0.4]),
        *layers(ONE, ["conv1", "conv2", "conv3"], [0.3, 0.4, 0.5]),
        *layers(OTHER, ["conv1", "conv2", "conv3"], [0.3, 0.4, 0.8]),
    ]
    measure = {"suite": "filters", "metric": "energy_share", "where": [{"horizontal": 2}], **summed}
    (row,) = score(results_of(rows), claim(measure), PAIRS).to_dict("records")
    assert row["pairs"] == 3
    assert row["effect"] == pytest.approx(np.mean([0.2 - 0.4, 0.2 - 0.4, 0.3 - 0.5]))


def test_pairs_with_other_rows_are_not_compared(results_of):
    rows = [
        (run, "corruption", "accuracy", {"corruption": corruption, "severity": 1}, 0.5)
        for run in (ONE, *(a_run(name, "zoo") for name in "ab"))
        for corruption in ("fog", "snow")[: 1 if run["variant"] == "a" else 2]
    ]
    (row,) = score(results_of(rows), claim({"suite": "corruption", "metric": "accuracy"}), PAIRS).to_dict("records")
    assert row["pairs"] == 1
    assert row["models"] == "zoo, net"


def test_what_no_pair_was_measured_in_is_said(results_of, results):
    assert (
        score(results, claim({"suite": "corruption", "metric": "accuracy"}), PAIRS)["verdict"].item() == "not measured"
    )
    (row,) = score(results, claim(), PAIRS[3:]).to_dict("records")
    assert (row["verdict"], row["pairs"], row["controls"]) == ("no pairs", 0, 0)


def test_treatments_and_controls_may_be_measured_otherwise(results_of):
    rows = [
        (run, "frequency_filtered", "accuracy", {"pass": kind, "radius": 8}, value)
        for run, low, high in ((a_run("a", "zoo"), 0.7, 0.1), (a_run("b", "zoo"), 0.8, 0.1), (ONE, 0.9, 0.5))
        for kind, value in (("low", low), ("high", high))
    ]
    low, high = (
        {"suite": "frequency_filtered", "metric": "accuracy", "where": [{"pass": kind}]} for kind in ("low", "high")
    )
    (row,) = score(results_of(rows), claim(low, control_measure=high), PAIRS).to_dict("records")
    assert (row["effect"], row["pairs"]) == (pytest.approx(0.25), 2)


FILTERED = {"suite": "frequency_filtered", "metric": "accuracy", "where": [{"radius": 4}]}
BEYOND = {"label": "the rest", "where": [{"radius": [8, 12]}]}


def filtered_rows(differences):
    """Accuracies of the pairs at the radius 4 and at two others, which differ by these and these from the controls'."""
    rows = [(run, "frequency_filtered", "accuracy", {"pass": "low", "radius": radius}, 0.5)
            for run in (ONE, OTHER) for radius in (4, 8, 12)]  # fmt: skip
    for name, (here, elsewhere) in zip("abc", differences, strict=True):
        for radius, difference in ((4, here), (8, elsewhere - 0.01), (12, elsewhere + 0.01)):
            where = {"pass": "low", "radius": radius}
            rows.append((a_run(name, "zoo"), "frequency_filtered", "accuracy", where, 0.5 + difference))
    return rows


def test_a_difference_is_compared_with_that_elsewhere_whichever_way_each_lies(results_of):
    """It is lower by 0.2 here, and higher by 0.02 elsewhere."""
    results = results_of(filtered_rows([(-0.3, 0.05), (-0.1, -0.02), (-0.2, 0.03)]))
    (row,) = score(results, claim(FILTERED, beyond=BEYOND), PAIRS).to_dict("records")
    expected = stats.ttest_1samp([0.25, 0.12, 0.17], 0)
    assert row["effect"] == pytest.approx(0.2 - 0.02)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (row["pairs"], row["controls"], row["verdict"], row["beyond"]) == (3, 2, "supported", "the rest")
    assert row["fewest_images"] == 100
    # The control of two pairs counts once: their mean is -0.2 here and 0.015 elsewhere.
    (row,) = score(results, claim(FILTERED, beyond=BEYOND), PAIRS, "once").to_dict("records")
    assert row["effect"] == pytest.approx(0.2 - (0.015 + 0.03) / 2)


def test_noise_around_no_difference_is_no_larger_one(results_of):
    """Each pair differs by 0.3 or more, and on average none does: absolute values would make that 0.4."""
    results = results_of(filtered_rows([(-0.4, 0.01), (0.3, 0.02), (0.1, 0.03)]))
    (row,) = score(results, claim(FILTERED, beyond=BEYOND), PAIRS).to_dict("records")
    assert row["effect"] == pytest.approx(-0.02)
    assert row["verdict"] == "undecided"


def test_a_pair_that_lacks_the_other_rows_is_left_out(results_of):
    rows = filtered_rows([(-0.3, 0.05), (-0.1, -0.02), (-0.2, 0.03)])
    (row,) = score(results_of(rows[:-2]), claim(FILTERED, beyond=BEYOND), PAIRS).to_dict("records")
    assert (row["pairs"], row["effect"]) == (2, pytest.approx(0.2 - 0.015))
    elsewhere = {**BEYOND, "where": [{"radius": 99}]}
    assert score(results_of(rows), claim(FILTERED, beyond=elsewhere), PAIRS)["verdict"].item() == "not measured"


@pytest.mark.parametrize(
    ("beyond", "changes", "message"),
    [
        (
            BEYOND | {"where": [{"radios": 8}]},
            {},
            "beyond.where: unknown parameter of the suite ",
        ),
        ({"where": BEYOND["where"]}, {}, "beyond: 'label' is missing"),
        ({"label": "the rest"}, {}, "beyond: 'where' is missing"),
        (BEYOND | {"metric": "error"}, {}, "beyond: unknown key 'metric'"),
        (BEYOND, {"control_measure": CLEAN}, "beyond: a claim with control_measure compares no differences"),
        (
            BEYOND | {"where": [{"radius": 99}]},
            {},
            "beyond.where.radius: 99 is not measured, ",
        ),
    ],
)
def test_what_a_difference_cannot_be_compared_with_is_one_sentence(tmp_path, beyond, changes, message):
    content = {"claims": claim(FILTERED, beyond=beyond, **changes)}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    study = study_of(True)
    study.config["evaluation"]["frequency_filtered"] = {"radii": {"low": [4, 8, 12]}}
    with pytest.raises(InputError) as refused:
        claims_of_study(study, [tmp_path], CLAIMS_SCHEMA)
    assert str(refused.value).startswith(f"mine.yaml: claims.c.{message}")
    assert "\n" not in str(refused.value)


def study_of(paired: bool, **changes) -> Study:
    config = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text())
    demo = config["experiments"]["demo"] | {"variants": ["plain", "dct"], "seeds": [0, 1]}
    demo |= {"pairs": [{"treatment": "dct", "control": "plain"}]} if paired else {}
    demo |= changes
    return Study(config | {"experiments": {"demo": demo}, "claims": ["mine.yaml"]}, SCHEMA)


def test_claims_over_pairs_need_an_experiment_that_has_some(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"claims": claim() | {"d": claim()["c"]}}))
    assert claims_of_study(study_of(True), [tmp_path], CLAIMS_SCHEMA) == (claim() | {"d": claim()["c"]}, [])
    found, said = claims_of_study(study_of(False), [tmp_path], CLAIMS_SCHEMA)
    assert (found, said) == ({}, ["mine.yaml: left out, as no experiment has pairs: c, d"])
    found, said = claims_of_study(study_of(True, suites=["filters"]), [tmp_path], CLAIMS_SCHEMA)
    assert (found, said) == ({}, ["mine.yaml: left out, as no such pairs are measured: c with clean, d with clean"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"treatment": "dct"}, "claims.c.treatment: a claim over pairs compares theirs, leave treatment or over out"),
        ({"control": "dct"}, "claims.c.control: a claim over pairs compares theirs, leave control or over out"),
        ({"over": "pears"}, "claims.c.over: 'pears' is none of pairs, images"),
        ({"over": None}, "claims.c: 'treatment' is missing"),
    ],
)
def test_a_claim_over_pairs_names_no_variants(tmp_path, changes, message):
    entry = {key: value for key, value in claim(**changes)["c"].items() if value is not None}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"claims": {"c": entry}}))
    with pytest.raises(InputError) as refused:
        load_claims(tmp_path / "mine.yaml", CLAIMS_SCHEMA)
    assert str(refused.value) == f"mine.yaml: {message}"
