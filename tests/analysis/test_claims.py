import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from filterfreq.analysis.claims import score, verdict
from filterfreq.config import load_claims
from filterfreq.errors import InputError
from filterfreq.evaluation.corruptions import COMMON
from filterfreq.evaluation.results import COLUMNS, format_parameter, read_results

ROOT = Path(__file__).parents[2]
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


@pytest.mark.parametrize(
    ("direction", "effect", "low", "high", "expected"),
    [
        ("higher", 0.05, 0.02, 0.08, "supported"),
        ("higher", 0.05, -0.01, 0.11, "undecided"),
        ("higher", 0.008, 0.002, 0.014, "undecided"),  # too small to matter, yet the interval reaches what matters
        ("higher", 0.005, 0.001, 0.009, "contradicted"),  # there, but smaller than anyone cares about
        ("higher", -0.05, -0.08, -0.02, "contradicted"),
        ("lower", -0.05, -0.08, -0.02, "supported"),
        ("lower", 0.05, 0.02, 0.08, "contradicted"),
        ("not lower", 0.0, -0.005, 0.005, "supported"),
        ("not lower", 0.0, -0.02, 0.02, "undecided"),
        ("not lower", -0.05, -0.08, -0.02, "contradicted"),
        ("not higher", -0.05, -0.08, -0.02, "supported"),
        ("not higher", 0.05, 0.02, 0.08, "contradicted"),
        ("equal", 0.0, -0.005, 0.005, "supported"),
        ("equal", 0.0, -0.02, 0.005, "undecided"),
        ("equal", 0.05, 0.02, 0.08, "contradicted"),
        ("equal", -0.05, -0.08, -0.02, "contradicted"),
        ("higher", 0.5, np.nan, np.nan, "undecided"),
        ("equal", np.nan, np.nan, np.nan, "not tested"),
    ],
)
def test_verdicts(direction, effect, low, high, expected):
    assert verdict(direction, 0.01, effect, low, high) == expected


def test_runs_are_paired_by_model_and_seed(results_of):
    values = {("m", 0): (0.5, 0.4), ("m", 1): (0.7, 0.5), ("n", 0): (0.9, 0.8)}
    rows = [
        clean(variant, seed, value, model)
        for (model, seed), pair in values.items()
        for variant, value in zip(("new", "old"), pair, strict=True)
    ]
    rows += [clean("new", 7, 0.0), clean("old", 8, 0.0), clean("other", 0, 0.0)]  # without a partner
    (row,) = score(results_of(rows), claim(CLEAN)).to_dict("records")
    differences = [0.1, 0.2, 0.1]
    assert row["pairs"] == 3
    assert row["effect"] == pytest.approx(np.mean(differences))
    expected = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected))


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
    assert row["verdict"] == "undecided"


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
    assert effect([{"severity": {"from": 2, "to": 2}}]) == pytest.approx(0.02 * 4)
    assert effect([{"corruption": "fog", "severity": 1}, {"corruption": "frost", "severity": 3}]) == pytest.approx(0.08)


def test_nothing_to_compare_is_not_tested(results_of):
    (row,) = score(results_of([clean("new", 0, 0.5)]), claim(CLEAN)).to_dict("records")
    assert (row["verdict"], row["pairs"]) == ("not tested", 0)


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
    assert scores["verdict"].tolist() == ["undecided", "not measured"]
    assert scores["pairs"].tolist() == [1, 0]
    assert np.isnan(scores["effect"][1])


def test_one_pair_has_an_effect_but_no_verdict(results_of):
    (row,) = score(results_of([clean("new", 0, 0.9), clean("old", 0, 0.5)]), claim(CLEAN)).to_dict("records")
    assert row["effect"] == pytest.approx(0.4)
    assert np.isnan([row["ci_low"], row["ci_high"]]).all()
    assert (row["verdict"], row["pairs"]) == ("undecided", 1)


def test_unknown_parameter_is_one_sentence(results_of):
    measure = {**CLEAN, "where": [{"severity": 1}]}
    with pytest.raises(InputError, match=r"claims\.c\.measure\.where: results of the suite clean have no 'severity'"):
        score(results_of([clean("new", 0, 0.5), clean("old", 0, 0.5)]), claim(measure))


def test_the_projects_own_claims_fit_the_schema_and_what_suites_measure(results_of):
    claims = load_claims(ROOT / "claims.yaml", SCHEMA)
    rows = []
    for variant, seed in itertools.product(("plain", "wd", "wd-penalty", "plain-fgsm"), (0, 1)):
        rows += [
            clean(variant, seed, 0.5),
            ("m", variant, seed, "corruption", "accuracy", {"corruption": "fog", "severity": 1}, 0.5),
            # The extra corruptions are not common ones.
            (
                "m",
                variant,
                seed,
                "corruption",
                "accuracy",
                {"corruption": "spatter", "severity": 1},
                0.1 * len(variant),
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


def test_missing_claims_are_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"claims\.yaml is missing: restore it from the repository"):
        load_claims(tmp_path / "claims.yaml", SCHEMA)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("direction: higher", "direction: up", "'up' is none of higher, lower, not lower, not higher, equal"),
        ("smallest_effect: 0.01", "smallest_effect: 0", "0 is out of range, it must be greater than 0"),
        ("smallest_effect: 0.01", "smallest_effect: .inf", "smallest_effect: inf is no finite number"),
        ("smallest_effect: 0.01", "smallest_effect: .nan", "smallest_effect: nan is no finite number"),
        ("smallest_effect: 0.01", "smallest_effect: 1.0e+400", "smallest_effect: inf is no finite number"),
        ("smallest_effect: 0.01", "smallest_effect: 3", "3 is out of range, it must be at most 2"),
        (
            "smallest_effect: 0.01",
            "smallest_effect: 0x" + "f" * 5000,
            "smallest_effect: the number has more than 63 bits",
        ),
        ("{depth: {to: 0.34}", "{depth: {to: .inf}", "to: inf is no finite number"),
        ("treatment: plain\n", "treatment: 2001-01-01\n", "treatment: a date means nothing here, write text in quotes"),
        ("{depth: {to: 0.34}", "{layer: {to: 0.34}", "where.layer: only numbers have a range, as severity, index"),
        ("treatment: plain\n", "1: plain\n", "the name 1 is not text to YAML, but a number"),
        ("treatment: wd", "treatmen: wd", "unknown key 'treatmen': did you mean 'treatment'"),
        ("claims:", "claims: [", "is no YAML"),
    ],
)
def test_a_wrong_claim_is_one_sentence(tmp_path, old, new, message):
    text = (ROOT / "claims.yaml").read_text()
    assert old in text
    (tmp_path / "claims.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as error:
        load_claims(tmp_path / "claims.yaml", SCHEMA)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_claims_that_are_no_text_are_one_sentence(tmp_path):
    (tmp_path / "claims.yaml").write_bytes(b"claims: \xff\xfe")
    with pytest.raises(InputError, match=r"claims\.yaml is damaged .*UnicodeDecodeError.*: restore it from the"):
        load_claims(tmp_path / "claims.yaml", SCHEMA)
