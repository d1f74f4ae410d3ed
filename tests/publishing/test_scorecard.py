import numpy as np
import pandas as pd
import pytest

from filterfreq.publishing.figures.scorecard import draw_scores
from filterfreq.publishing.phrases import claim_phrase, claims_in_points, comparison_label
from filterfreq.publishing.tables.scorecard import tabulate_scores

LABELS = {"plain": "plain", "dct": "WD_1"}


@pytest.fixture
def scores():
    def row(direction, effect, low, high, pairs, verdict, treatment="dct", p=np.nan, together=False):
        return {
            "claim": verdict.replace(" ", "-"),
            "statement": f"A 100 % true claim with A & B, and long enough to need two lines: {verdict}.",
            "source": "somebody",
            "treatment": treatment,
            "control": "plain",
            "direction": direction,
            "smallest_effect": 0.01,
            "effect": effect,
            "lowest_model": effect,
            "highest_model": effect,
            "ci_low": low,
            "ci_high": high,
            "models": "net_8" if pairs else "",
            "fewest_images": 500 if pairs else 0,
            "most_images": 1000 if pairs else 0,
            "pairs": pairs,
            "verdict": verdict,
            "p": p,
            "together": together,
        }

    return pd.DataFrame(
        [
            row("higher", 0.031, 0.012, 0.045, 3, "supported", p=0.004, together=True) | {"highest_model": 0.04},
            row("lower", 0.02, 0.015, 0.025, 4, "contradicted", p=0.03),
            row("equal", 0.005, -0.9, 0.91, 3, "undecided"),
            row("not lower", np.nan, np.nan, np.nan, 0, "no pairs", "absent"),
            row("higher", np.nan, np.nan, np.nan, 0, "not measured"),
            row("higher", 0.04, np.nan, np.nan, 1, "too few pairs"),
            row("higher", 0.005, 0.001, 0.009, 5, "negligible", p=0.01),
        ]
    )


def test_numbers_are_kept_and_shown_in_points(scores, tmp_path):
    files = [tmp_path / f"scorecard.{form}" for form in ("csv", "md", "tex", "html", "txt")]
    tabulate_scores(scores, LABELS, "toy").write(files)
    markdown, latex, page, text = (file.read_text() for file in files[1:])
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "scorecard.csv").fillna({"models": ""}), scores)
    for shown in (markdown, text):
        assert "WD_1 against plain" in shown
        assert "absent against plain" in shown
        assert "+3.1" in shown
        assert "[+1.2, +4.5]" in shown
        assert "< −1" in shown
        assert "within ±1" in shown
    assert r"100 \% true claim with A \& B" in latex
    assert r"WD\_1 against plain" in latex
    assert "& $<$ $-$1 &" in latex
    assert "A &amp; B" in page
    assert len(markdown.split("\n\n")[1].strip().splitlines()) == 2 + 7
    assert "all 4 claims that have them are tested at once (Holm's method, 5 %)" in markdown
    assert "+3.1 (+3.1 to +4.0)" in markdown
    assert "does not hold" in markdown
    assert "The papers' claims on toy (net_8)." in markdown
    assert "| 500 to 1,000 |" in " ".join(markdown.split())


MEASURES = {
    "supported": "clean accuracy",
    "contradicted": "shape bias",
    "undecided": "accuracy under FGSM",
    "no-pairs": "accuracy under PGD",
    "not-measured": "accuracy on shifted sets",
    "too-few-pairs": "clean accuracy",
    "negligible": "shape bias",
}


def test_figure_shows_effects_intervals_and_verdicts(scores):
    figure = draw_scores(scores, LABELS, MEASURES)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    limit = axes.get_xlim()[1]
    lines = [(list(line.get_xdata()), float(np.ravel(line.get_ydata())[0])) for line in axes.lines]
    markers = {row: xs[0] for xs, row in lines if len(xs) == 1}
    assert markers == pytest.approx({1: 3.1, 2: 2.0, 3: 0.5, 4: 4.0, 5: 0.5})
    intervals = {row: xs for xs, row in lines if len(xs) == 2 and xs[0] != xs[1]}
    assert intervals[1] == pytest.approx([1.2, 4.5])
    assert intervals[3] == pytest.approx([-limit, limit])  # cut at the edges
    arrows = [
        (line.get_marker(), np.ravel(line.get_ydata())[0]) for line in axes.lines if line.get_marker() in ("<", ">")
    ]
    assert arrows == [("<", 3), (">", 3)]
    (verdicts,) = axes.child_axes
    assert [label.get_text() for label in verdicts.get_yticklabels()] == [
        *("", "supported † (3 pairs)", "contradicted (4 pairs)", "undecided (3 pairs)", "1 pair, needs at least 3"),
        "negligible (5 pairs)",
    ]
    box = figure.get_tightbbox()
    assert box.x0 >= -0.01
    assert box.x1 <= figure.get_figwidth() + 0.01


def test_rows_are_measures_below_their_comparison(scores):
    measures = {**MEASURES, "negligible": "a measure of a name that is longer than there is space for it"}
    axes = draw_scores(scores.assign(control=["plain"] * 6 + ["dct"]), LABELS, measures).axes[0]
    shown = [(label.get_text(), label.get_fontweight()) for label in axes.get_yticklabels()]
    assert shown == [
        ("WD_1 against plain", "bold"),
        *((MEASURES[name], "normal") for name in ("supported", "contradicted", "undecided", "too-few-pairs")),
        ("WD_1", "bold"),
        ("a measure of a name that is longer than there is\nspace for it", "normal"),
    ]


def test_effects_that_are_no_shares_are_shown_in_their_own_unit(scores):
    shares = set(scores["claim"]) - {"contradicted"}
    cells = tabulate_scores(scores, LABELS, "toy", shares).cells.set_index("verdict")
    columns = ["expected", "unit", "effect", "95 % interval"]
    assert cells.loc["contradicted", columns].tolist() == ["< −0.01", "–", "+0.020", "[+0.015, +0.025]"]
    assert cells.loc["supported", columns].tolist() == ["> 1", "points", "+3.1 (+3.1 to +4.0)", "[+1.2, +4.5]"]
    assert "unit" not in tabulate_scores(scores, LABELS, "toy").cells
    points, own = draw_scores(scores, LABELS, MEASURES, shares).axes
    marked = {
        axes: [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1] for axes in (points, own)
    }
    assert marked[own] == pytest.approx([0.02])
    assert marked[points][0] == pytest.approx(3.1)
    assert points.get_xlabel() == "difference (percentage points)"
    assert own.get_xlabel().startswith("difference (in the measure's own unit)")


def test_entropies_and_orthogonality_are_no_shares():
    metrics = ("accuracy", "sparsity", "dct_share_raw", "variance_entropy", "orthogonality", "norm_of_change")
    claims = {name: {"measure": {"metric": name}} for name in metrics}
    claims["epochs"] = {"measure": {"metric": "variance_entropy", "over_training": {"reach": 0.5}}}
    assert claims_in_points(claims) == {"accuracy", "sparsity", "dct_share_raw", "epochs"}


def test_claims_without_an_effect_are_a_footnote_and_no_rows(scores):
    twice = pd.concat([scores, scores[scores["verdict"] == "not measured"].assign(control="dct")])
    figure = draw_scores(twice, LABELS, MEASURES)
    assert figure.get_supxlabel().split("\n") == [
        "no pairs: accuracy under PGD (absent against plain)",
        "not measured: accuracy on shifted sets (WD_1 against plain, WD_1)",
    ]
    tested = scores[scores["effect"].notna()]
    assert draw_scores(tested, LABELS, MEASURES).get_supxlabel() == ""
    many = pd.concat([tested.assign(control=f"control {i}") for i in range(3)])
    assert draw_scores(many, LABELS, MEASURES).get_figheight() < 0.25 * len(many) + 1


def test_claims_that_all_lack_results_still_make_a_figure(scores):
    figure = draw_scores(scores[scores["effect"].isna()], LABELS, MEASURES)
    figure.draw_without_rendering()
    assert figure.get_tightbbox().y0 >= -0.01


def test_a_measure_is_called_by_its_label_or_by_what_it_is():
    measure = {"suite": "filters", "metric": "energy_share"}
    where = [{"depth": {"from": 0.5, "to": 1}, "horizontal": "highest"}, {"layer": ["a", "b"]}]
    assert claim_phrase({"measure": measure}) == "energy share (filters)"
    assert claim_phrase({"measure": {**measure, "where": where}}) == (
        "energy share (filters: depth from 0.5 to 1, horizontal highest or layer a/b)"
    )
    labelled = {**measure, "where": where, "label": "energy in depth"}
    assert claim_phrase({"measure": labelled}) == "energy in depth"
    two = {"treatment": "dct", "control": "dct", "measure": labelled, "control_measure": measure}
    assert claim_phrase(two) == "energy in depth less energy share (filters)"
    beyond = {"measure": labelled, "beyond": {"label": "the rest", "where": where}}
    assert claim_phrase(beyond) == "energy in depth beyond the rest"
    matched = {"measure": labelled, "matched": {"label": "clean accuracy", "suite": "clean", "metric": "accuracy"}}
    assert claim_phrase(matched) == "energy in depth at equal clean accuracy"
    assert comparison_label(two, LABELS) == "WD_1"
    assert comparison_label({**two, "control": "plain"}, LABELS) == "WD_1 against plain"
    less = {"control": "plain", "minus_treatment": "dct", "minus_control": "other"}
    assert comparison_label({**two, **less}, LABELS) == "WD_1 against plain, less WD_1 against other"
    assert comparison_label({**two, "control": "plain", "minus_control": np.nan}, LABELS) == "WD_1 against plain"


def test_the_scorecard_says_what_differences_are_set_against(scores, tmp_path):
    none = [None] * 5
    more = scores.assign(
        minus_treatment=["dct", None, *none],
        minus_control=["absent", None, *none],
        matched=[None, "clean accuracy", *none],
        verdict=["supported", "outside the sweep", *scores["verdict"][2:]],
    )
    table = tabulate_scores(more, LABELS, "toy")
    assert table.cells["comparison"].tolist()[:3] == [
        *("WD_1 against plain, less WD_1 against absent", "WD_1 against plain, at equal clean accuracy"),
        "WD_1 against plain",
    ]
    assert "; or of one difference less another, by how much it is above that one; or at equal values" in table.caption
    assert "one difference" not in tabulate_scores(scores, LABELS, "toy").caption
    figure = draw_scores(more, LABELS, {**MEASURES, "outside-the-sweep": "it"})
    (verdicts,) = figure.axes[0].child_axes
    assert "outside the sweep (4 pairs)" in [label.get_text() for label in verdicts.get_yticklabels()]
