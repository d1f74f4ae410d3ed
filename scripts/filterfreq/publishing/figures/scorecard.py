"""The papers' claims against the results of experiment *{experiment}* on *{dataset}*.

Each row is a measure, below the two variants that a claim compares in it. Markers are mean differences over pairs of
runs of one model and seed, each model weighing the same; of treatments against controls, over the experiment's pairs.
Beyond other results: how much larger the difference is than there, whichever way both lie. Less
another difference: by how much it is above that one. At equal values of a second measure: from a line through all
strengths of the control. Lines are Student's 95 % intervals, cut at the edges. What the claim asks for is shaded. Below
three pairs of a model there is no verdict. A dagger marks verdicts that hold when all claims are tested at once, by
Holm's method.
"""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from filterfreq.analysis.claims import FEWEST_PAIRS, score
from filterfreq.analysis.pairs import Pairs
from filterfreq.publishing.phrases import claim_phrase, claims_in_points, comparison_label, pairs_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import BAD, GOOD, NEUTRAL, SMALL_FONT, TEXT_WIDTH, new_figure, use_style, wrap_text

PRODUCT = Product(
    title="Claims",
    adds=["claimed"],
    takes=["labels", "claims", "pairs", "controls"],
    when="claims_tested",
)

# Verdicts differ in marker and fill too, so that they survive a grey copy.
_OPEN = {"color": "0.45", "markerfacecolor": "white"}
MARKS = {
    "supported": {"marker": "o", "color": GOOD, "markerfacecolor": GOOD},
    "contradicted": {"marker": "X", "color": BAD, "markerfacecolor": BAD},
    "negligible": {"marker": "s", "color": NEUTRAL, "markerfacecolor": NEUTRAL},
    "undecided": {"marker": "o", **_OPEN},
    "too few pairs": {"marker": "d", **_OPEN},
    "outside the sweep": {"marker": "^", **_OPEN},
}
"""How the effect of each verdict looks."""
_HOLDS = " †"
_POINTS, _OWN = "percentage points", "in the measure's own unit"
_ROW, _LINE, _PANEL_SPACE = 0.18, 0.11, 0.45  # inches
_MEASURE_WIDTH, _COMPARISON_WIDTH = 48, 48
_MEASURE_LINES = 3
_NOTE_WIDTH, _NOTE_LINES, _NOTE_LINE = 122, 5, 0.14


def draw(
    results: pd.DataFrame,
    labels: dict[str, str],
    claims: Mapping[str, Mapping],
    pairs: Pairs = (),
    controls: str = "each_pair",
) -> Figure:
    """Draw what the results say of the claims.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        claims: by name, see `filterfreq.analysis.claims.score`.
        pairs: those of claims over pairs, see the same.
        controls: how often a control of several pairs counts, see the same.
    """
    measures = {name: claim_phrase(claim) for name, claim in claims.items()}
    return draw_scores(score(results, claims, pairs, controls), labels, measures, claims_in_points(claims))


@use_style
def draw_scores(
    scores: pd.DataFrame, labels: dict[str, str], measures: Mapping[str, str], in_points: Collection[str] | None = None
) -> Figure:
    """Draw every claim's effect with its interval, and what the claim asks for as a shaded range.

    A row is a claim, named by its measure, below the two variants that it compares. An interval that goes on beyond the
    scale ends in an arrow. Claims whose effects are no shares have a panel of their own. Claims without an effect are
    listed below.

    Args:
        scores: what `filterfreq.analysis.claims.score` returns.
        labels: display labels of the variants; others keep their names.
        measures: what is measured, by claim.
        in_points: the claims whose effects are shares; all unless given.
    """
    tested = scores[scores["effect"].notna()]
    are_shares = tested["claim"].isin(scores["claim"] if in_points is None else list(in_points))
    parts = {_POINTS: tested[are_shares], _OWN: tested[~are_shares]}
    parts = {unit: part for unit, part in parts.items() if len(part)} or {_POINTS: tested}
    rows = {unit: _rows(part, labels, measures) for unit, part in parts.items()}
    notes = _notes(scores[scores["effect"].isna()], labels, measures)
    heights = [max(len(of_part), 1) for of_part in rows.values()]
    space = 0.75 + _PANEL_SPACE * (len(parts) - 1)
    # All rows are as high as that of the longest name takes.
    lines = max(name.count("\n") for of_part in rows.values() for name, _ in of_part or [("", {})])
    figure = new_figure(TEXT_WIDTH, space + (_ROW + _LINE * lines) * sum(heights) + _NOTE_LINE * len(notes))
    panels = figure.subplots(len(parts), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axes, (unit, part) in zip(panels, parts.items(), strict=True):
        _draw_panel(axes, rows[unit], part, unit)
    holds = f"\n{_HOLDS.strip()} holds with all claims tested at once (Holm, 5 %)" if scores["together"].any() else ""
    said = f"lines: Student's 95 % intervals; shaded: what the claim asks for{holds}"
    panels[-1].set_xlabel(f"{panels[-1].get_xlabel()}\n{said}")
    if notes:
        figure.supxlabel("\n".join(notes), x=0.01, ha="left", fontsize=SMALL_FONT)
    return figure


def _draw_panel(axes: Axes, rows: list[tuple[str, dict]], tested: pd.DataFrame, unit: str) -> None:
    """Draw the effects of one unit, each in its row."""
    factor = 100 if unit == _POINTS else 1
    # Intervals of two pairs can be wider than all effects together; cut at the edge, they do not rule the scale.
    effects = factor * pd.concat([tested["effect"], tested["smallest_effect"]]).abs()
    limit = 1.6 * max(effects, default=1)
    for height, (_, row) in enumerate(rows):
        if row:
            _draw_row(axes, height, row, limit, factor)
    axes.axvline(0, color="0.4", linewidth=0.6)
    axes.set_xlim(-limit, limit)
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"difference ({unit})")
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    for label, (_, row) in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("normal" if row else "bold")
    verdicts = axes.secondary_yaxis("right")
    verdicts.set_yticks(range(len(rows)), [_verdict(row) if row else "" for _, row in rows])
    for side in (axes.yaxis, verdicts.yaxis):
        side.set_tick_params(length=0)
    verdicts.spines["right"].set_visible(False)


def _rows(tested: pd.DataFrame, labels: dict[str, str], measures: Mapping[str, str]) -> list[tuple[str, dict]]:
    """Return the rows from the top, each with its name: comparisons, which have no score, and their claims."""
    groups: dict[str, list[tuple[str, dict]]] = {}
    for row in tested.to_dict("records"):
        name = wrap_text(measures[row["claim"]], _MEASURE_WIDTH, _MEASURE_LINES)
        groups.setdefault(comparison_label(row, labels), []).append((name, row))
    return [row for title, claims in groups.items() for row in [(wrap_text(title, _COMPARISON_WIDTH, 1), {}), *claims]]


def _notes(untested: pd.DataFrame, labels: dict[str, str], measures: Mapping[str, str]) -> list[str]:
    """Return lines that say which claims have no effect, and why."""
    said = []
    for why, rows in untested.groupby("verdict", sort=False):
        comparisons: dict[str, list[str]] = {}
        for row in rows.to_dict("records"):
            comparisons.setdefault(measures[row["claim"]], []).append(comparison_label(row, labels))
        names = [f"{measure} ({', '.join(compared)})" for measure, compared in comparisons.items()]
        said += wrap_text(f"{why}: {'; '.join(names)}", _NOTE_WIDTH, _NOTE_LINES).split("\n")
    return said


def _draw_row(axes: Axes, height: int, row: dict, limit: float, factor: float) -> None:
    axes.axhspan(height - 0.36, height + 0.36, *_claimed_range(row, limit, factor), color="0.9", linewidth=0)
    mark = MARKS[row["verdict"]]
    if not np.isnan(row["ci_low"]):
        ends = np.clip([factor * row["ci_low"], factor * row["ci_high"]], -limit, limit)
        axes.plot(ends, [height, height], color=mark["color"], linewidth=1.6, solid_capstyle="butt")
        for end, side, arrow in ((row["ci_low"], -limit, "<"), (row["ci_high"], limit, ">")):
            if abs(factor * end) > limit:
                axes.plot(0.98 * side, height, marker=arrow, markersize=5, color=mark["color"])
    axes.plot(factor * row["effect"], height, markersize=5, **mark)


def _verdict(row: dict) -> str:
    pairs = pairs_phrase(row["pairs"], row["controls"] if row.get("over") == "pairs" else row["pairs"])
    if row["verdict"] == "too few pairs":
        return f"{pairs}, needs at least {FEWEST_PAIRS}"
    return f"{row['verdict']}{_HOLDS if row['together'] else ''} ({pairs})"


def _claimed_range(row: dict, limit: float, factor: float) -> tuple[float, float]:
    """The range of effects that the claim asks for, as fractions of the axis from -limit to limit."""
    smallest = factor * row["smallest_effect"]
    low, high = {
        "higher": (smallest, limit),
        "lower": (-limit, -smallest),
        "not lower": (-smallest, limit),
        "not higher": (-limit, smallest),
        "equal": (-smallest, smallest),
    }[row["direction"]]
    return (low + limit) / (2 * limit), (high + limit) / (2 * limit)
