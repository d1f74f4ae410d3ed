import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from filterfreq.publishing.figures.scorecard import draw_scores
from filterfreq.publishing.tables.scorecard import tabulate_scores

LABELS = {"plain": "plain", "wd": "WD_1"}


@pytest.fixture
def scores():
    def row(direction, effect, low, high, pairs, verdict, treatment="wd", p=np.nan, together=False):
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
        assert "< -1" in shown
        assert "within ±1" in shown
    assert r"100 \% true claim with A \& B" in latex
    assert r"WD\_1 against plain" in latex
    assert "& $<$ -1 &" in latex
    assert "A &amp; B" in page
    assert len(markdown.split("\n\n")[1].strip().splitlines()) == 2 + 7
    assert "all 4 claims that have them are tested at once (Holm's method, 5 %)" in markdown
    assert "+3.1 (+3.1 to +4.0)" in markdown
    assert "does not hold" in markdown
    assert "The papers' claims on toy (net_8)." in markdown
    assert "| 500 to 1,000 |" in " ".join(markdown.split())


def test_figure_shows_effects_intervals_and_verdicts(scores):
    figure = draw_scores(scores, LABELS)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    limit = axes.get_xlim()[1]
    lines = [(list(line.get_xdata()), float(np.ravel(line.get_ydata())[0])) for line in axes.lines]
    markers = {place: xs[0] for xs, place in lines if len(xs) == 1}
    assert markers == pytest.approx({0: 3.1, 1: 2.0, 2: 0.5, 5: 4.0, 6: 0.5})
    intervals = {place: xs for xs, place in lines if len(xs) == 2 and xs[0] != xs[1]}
    assert intervals[0] == pytest.approx([1.2, 4.5])
    assert intervals[2] == pytest.approx([-limit, limit])  # cut at the edges
    arrows = [
        (line.get_marker(), np.ravel(line.get_ydata())[0]) for line in axes.lines if line.get_marker() in ("<", ">")
    ]
    assert arrows == [("<", 2), (">", 2)]
    texts = [text.get_text() for text in figure.findobj(Text)]
    for verdict in (
        "supported †\n3 pairs",
        "contradicted\n4 pairs",
        "undecided\n3 pairs",
        "no pairs",
        "not measured",
        "too few pairs\n1 pair",
        "negligible\n5 pairs",
    ):
        assert verdict in texts
    box = figure.get_tightbbox()
    assert box.x0 >= -0.01
    assert box.x1 <= figure.get_figwidth() + 0.01


def test_claims_that_all_lack_results_still_make_a_figure(scores):
    draw_scores(scores[scores["effect"].isna()], LABELS).draw_without_rendering()
