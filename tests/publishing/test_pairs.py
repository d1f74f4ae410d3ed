"""Tables of pairs, and what tables say of claims and differences over pairs."""

import numpy as np
import pytest
from scipy import stats

from filterfreq.analysis.claims import score
from filterfreq.publishing.figures.scorecard import draw as draw_scorecard
from filterfreq.publishing.measures import read_accuracies
from filterfreq.publishing.numbers import MINUS
from filterfreq.publishing.tables.differences import tabulate as tabulate_differences
from filterfreq.publishing.tables.pairs import tabulate as tabulate_pairs
from filterfreq.publishing.tables.scorecard import tabulate as tabulate_scorecard
from filterfreq.runtime.errors import InputError

LABELS = {"a": "Robust A", "b": "Robust B", "c": "Robust C", "plain": "normal"}
PUBLISHED = {"a": {"clean": 0.5, "robust": 0.4, "norm": "linf", "epsilon": "8/255"}}
PUBLISHED |= {"b": {"clean": 0.7, "robust": 0.2, "norm": "linf", "epsilon": "8/255"}}
CLAIM = {
    "c": {
        **{"statement": "Training helps.", "source": "nobody", "over": "pairs"},
        **{"measure": {"suite": "clean", "metric": "accuracy"}, "direction": "higher", "smallest_effect": 0.01},
    }
}


def a_run(variant, model, seed=0) -> dict:
    return {"dataset": "toy_set", "model": model, "variant": variant, "seed": seed}


def pair(treatment, model) -> dict:
    return {"treatment": a_run(treatment, "zoo"), "control": a_run("plain", model)}


PAIRS = [pair("a", "net"), pair("b", "net"), pair("c", "wide")]


@pytest.fixture
def results(results_of, row):
    """Clean accuracies of three pairs, 0.1, 0.2 and 0.6 apart; under attack one alone was measured on both sides."""
    rows = [row.clean("zoo", name, 0, value) for name, value in zip("abc", (0.5, 0.6, 0.9), strict=True)]
    rows += [row.clean("net", "plain", 0, 0.4), row.clean("wide", "plain", 0, 0.3)]
    rows += [row.attacked("zoo", name, 0, "fgsm", "linf", "8/255", value) for name, value in (("a", 0.25), ("c", 0.2))]
    rows.append(row.attacked("net", "plain", 0, "fgsm", "linf", "8/255", 0.05))
    return results_of(rows)


def test_every_pair_has_both_runs_measured_and_published(results):
    table = tabulate_pairs(results, LABELS, "a", PAIRS, epsilons={"linf": "8/255"}, published=PUBLISHED)
    columns = ["treatment", "control", "clean", "clean published", "FGSM L∞ 8/255", "AutoAttack L∞ 8/255, published"]
    assert list(table.cells) == columns
    assert [tuple(cells) for cells in table.cells.to_numpy()] == [
        ("Robust A", "normal (net)", "50.0 / 40.0", "50.0", "25.0 / 5.0", "40.0"),
        ("Robust B", "normal (net)", "60.0 / 40.0", "70.0", "– / 5.0", "20.0"),
        ("Robust C", "normal (wide)", "90.0 / 30.0", "–", "20.0 / –", "–"),
        ("mean", "", "66.7 / 36.7", "60.0", "22.5 / 5.0", "30.0"),
    ]
    assert (
        "Percent, treatment / control; the last row has means over the pairs, each weighing the same." in table.caption
    )
    assert "published: by RobustBench" in table.caption
    numbers = table.numbers
    assert len(numbers) == 3 + 2 + 3 + 2  # clean, published, attacked, published
    attacked = numbers[numbers["setting"] == "L∞ 8/255"].iloc[0]
    assert attacked[["treatment_variant", "treatment", "control_model", "control"]].tolist() == ["a", 0.25, "net", 0.05]


def test_runs_of_one_variant_are_told_apart(results_of, row):
    runs = [("new", 0, 0.5), ("new", 1, 0.6), ("old", 0, 0.4), ("old", 1, 0.3)]
    results = results_of(row.clean("net", variant, seed, value) for variant, seed, value in runs)
    pairs = [{"treatment": a_run("new", "net", seed), "control": a_run("old", "net", seed)} for seed in (0, 1)]
    cells = tabulate_pairs(results, {"new": "New", "old": "Old"}, "old", pairs).cells
    assert cells["treatment"].tolist() == ["New (seed 0)", "New (seed 1)", "mean"]
    assert cells["control"].tolist() == ["Old (seed 0)", "Old (seed 1)", ""]


def test_without_measured_accuracies_the_published_ones_are_compared():
    """Of a control whose robust accuracy nobody has measured the clean one alone."""
    normal = {"clean": 0.8, "robust": None, "norm": "", "epsilon": ""}
    nothing, published = read_accuracies([]), PUBLISHED | {"plain": normal}
    pairs = [pair("a", "timm_net"), pair("b", "timm_net")]
    table = tabulate_pairs(nothing, LABELS, "a", pairs, published=published)
    assert table.cells.to_dict("list") == {
        "treatment": ["Robust A", "Robust B", "mean"],
        "control": ["normal", "normal", ""],
        "clean published": ["50.0 / 80.0", "70.0 / 80.0", "60.0 / 80.0"],
        "AutoAttack L∞ 8/255, published": ["40.0", "20.0", "30.0"],
    }
    assert "published of timm's models: by Gavrikov and Keuper" in table.caption
    assert "  " not in table.caption
    differences = tabulate_differences(nothing, LABELS, "a", None, pairs, published=published)
    (row,) = differences.numbers.to_dict("records")
    assert (row["measure"], row["setting"], row["pairs"]) == ("clean", "published", 2)
    assert row["difference"] == pytest.approx(-0.2)
    assert "published: by RobustBench" in differences.caption
    assert "  " not in differences.caption


def test_differences_show_what_is_published_only_of_what_is_not_measured(results):
    published = {"epsilon": "8/255", "norm": "linf", "clean": 0.9, "robust": 0.5}
    of_both = dict.fromkeys(LABELS, published)
    numbers = tabulate_differences(results, LABELS, "a", None, PAIRS, published=of_both).numbers
    shown = list(zip(numbers["measure"], numbers["setting"], strict=True))
    assert shown == [("clean", ""), ("FGSM", "L∞ 8/255"), ("AutoAttack", "L∞ 8/255, published")]


def test_differences_are_taken_over_the_pairs(results):
    table = tabulate_differences(results, LABELS, "a", {"linf": "8/255"}, PAIRS)
    clean, attacked = table.numbers.to_dict("records")
    low, high = stats.ttest_1samp([0.1, 0.2, 0.6], 0).confidence_interval(0.95)
    assert (clean["difference"], clean["ci_low"], clean["ci_high"]) == pytest.approx((0.3, low, high))
    assert (clean["treatment"], clean["control"]) == pytest.approx((2 / 3, 1.1 / 3))
    assert (clean["pairs"], clean["controls"], clean["images"], clean["counting"]) == (3, 2, 100, "each_pair")
    assert (attacked["difference"], attacked["pairs"]) == (pytest.approx(0.2), 1)
    assert np.isnan(attacked["ci_low"])
    assert table.cells.to_dict("records") == [
        {
            **{"measure": "clean", "treatments": "66.7", "controls": "36.7"},
            **{"difference": f"+30.0 [{MINUS}{-100 * low:.1f}, +{100 * high:.1f}]", "pairs": "3 (2 controls)"},
        },
        {
            **{"measure": "FGSM L∞ 8/255", "treatments": "25.0", "controls": "5.0"},
            **{"difference": "+20.0 [needs at least 2 pairs]", "pairs": "1"},
        },
    ]
    assert table.caption.startswith("Treatments against controls on toy_set (zoo, net, wide); attacks: at L∞ 8/255. ")
    assert "each weighing the same" in table.caption


def test_controls_that_count_once_are_one_observation_each(results):
    """That of two pairs has the mean of their differences, 0.15, and of their treatments, 0.55."""
    clean = tabulate_differences(results, LABELS, "a", None, PAIRS, "once").numbers.iloc[0]
    expected = stats.ttest_1samp([0.15, 0.6], 0).confidence_interval(0.95)
    assert (clean["difference"], clean["ci_low"], clean["ci_high"]) == pytest.approx((0.375, *expected))
    assert (clean["treatment"], clean["control"]) == pytest.approx(((0.55 + 0.9) / 2, 0.35))
    assert (clean["pairs"], clean["controls"], clean["counting"]) == (3, 2, "once")
    table = tabulate_pairs(results, LABELS, "a", PAIRS, "once")
    assert table.cells["clean"].iloc[-1] == "72.5 / 35.0"
    assert "all pairs of one control counting once" in table.caption


def test_pairs_of_which_nothing_is_measured_are_one_sentence(results):
    with pytest.raises(InputError, match=r"^no pair has a treatment and a control that were measured alike"):
        tabulate_differences(results, LABELS, "a", None, [pair("a", "absent")])


def test_the_scorecard_says_what_pairs_are_compared(results):
    table = tabulate_scorecard(results, LABELS, CLAIM, PAIRS)
    (cells,) = table.cells.to_dict("records")
    assert (cells["comparison"], cells["pairs"]) == ("treatments against controls", "3 (2 controls)")
    assert (
        "Effects are differences of treatments and controls in percentage points, the mean over the experiment's "
        "pairs, each weighing the same, with Student's 95 % interval of that mean; expected"
    ) in table.caption
    assert "takes 3 pairs of the experiment; Holm" in table.caption
    once = tabulate_scorecard(results, LABELS, CLAIM, PAIRS, "once")
    assert "all pairs of one control counting once, with" in once.caption
    assert "takes 3 controls of the experiment." in once.caption


@pytest.mark.parametrize("counting", ["each_pair", "once"])
def test_of_one_pair_alone_a_claim_says_what_its_verdict_needs(results, counting):
    observations = {"each_pair": "pairs", "once": "controls"}[counting]
    (cells,) = tabulate_scorecard(results, LABELS, CLAIM, PAIRS[:1], counting).cells.to_dict("records")
    assert (cells["verdict"], cells["pairs"]) == (f"needs at least 3 {observations}", "1")
    assert cells["effect"].startswith("+10.0")
    (verdicts,) = draw_scorecard(results, LABELS, CLAIM, PAIRS[:1], counting).axes[0].child_axes
    assert verdicts.get_yticklabels()[-1].get_text() == "1 pair, needs at least 3"


def test_the_scorecard_says_beyond_what_a_difference_is_larger(results):
    beyond = {"label": "the rest", "where": [{"split": "test"}]}
    table = tabulate_scorecard(results, LABELS, {"c": {**CLAIM["c"], "beyond": beyond}}, PAIRS)
    assert table.cells["comparison"].item() == "treatments against controls, beyond the rest"
    assert (
        "; or beyond other results, how much larger they are than there, whichever way both lie; exp" in table.caption
    )
    assert "beyond other" not in tabulate_scorecard(results, LABELS, CLAIM, PAIRS).caption


def test_the_scorecard_tells_claims_over_pairs_from_others(results):
    by_variant = {key: value for key, value in CLAIM["c"].items() if key != "over"}
    both = {"v": by_variant | {"treatment": "a", "control": "plain"}, **CLAIM}
    table = tabulate_scorecard(results, LABELS, both, PAIRS)
    assert table.cells["comparison"].tolist() == ["Robust A against normal", "treatments against controls"]
    assert (
        "Effects are differences of the two variants in percentage points, the mean over pairs of runs" in table.caption
    )
    assert "; or of treatments and controls in percentage points, the mean over the experiment's" in table.caption
    assert "takes 3 pairs of each model, or 3 pairs of the experiment" in table.caption
    alone = tabulate_scorecard(results, LABELS, {"v": both["v"]}, PAIRS)
    assert list(alone.numbers) == list(score(results, {"v": both["v"]}))
    assert "experiment" not in alone.caption


def test_the_figure_says_how_many_pairs_and_controls_there_are(results):
    axes = draw_scorecard(results, LABELS, CLAIM, PAIRS).axes[0]
    (verdicts,) = axes.child_axes
    assert [label.get_text() for label in verdicts.get_yticklabels()] == ["", "undecided (3 pairs, 2 controls)"]
    assert next(label.get_text() for label in axes.get_yticklabels()) == "treatments against controls"
