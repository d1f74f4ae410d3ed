"""The papers' claims against the results of experiment *{experiment}* on *{dataset}*.

Markers are mean differences over pairs of runs of one model and seed, each model weighing the same. Lines are Student's
95 % intervals, cut at the edges. What the claim asks for is shaded. Below three pairs of a model there is no verdict. A
dagger marks verdicts that hold when all claims are tested at once, by Holm's method.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from filterfreq.analysis.claims import score
from filterfreq.publishing.phrases import comparison_label
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, use_style, wrap_text

PRODUCT = Product(title="Claims", needs=["clean"], adds=["claimed"], takes=["labels", "claims"], when="claims_tested")

# Verdicts differ in marker and fill too, so that they survive a grey copy.
_OPEN = {"color": "0.45", "markerfacecolor": "white"}
_MARKS = {
    "supported": {"marker": "o", "color": "#117733", "markerfacecolor": "#117733"},
    "contradicted": {"marker": "X", "color": "#CC6677", "markerfacecolor": "#CC6677"},
    "negligible": {"marker": "s", "color": "#DDAA33", "markerfacecolor": "#DDAA33"},
    "undecided": {"marker": "o", **_OPEN},
    "too few pairs": {"marker": "d", **_OPEN},
}
_HOLDS = " †"
_ROW, _STATEMENT_WIDTH, _STATEMENT_LINES = 0.5, 56, 3


def draw(results: pd.DataFrame, labels: dict[str, str], claims: Mapping[str, Mapping]) -> Figure:
    """Draw what the results say of the claims.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        claims: by name, see `filterfreq.analysis.claims.score`.
    """
    return draw_scores(score(results, claims), labels)


@use_style
def draw_scores(scores: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw every claim's effect with its interval, and what the claim asks for as a shaded range.

    An interval that goes on beyond the scale ends in an arrow.

    Args:
        scores: what `filterfreq.analysis.claims.score` returns.
        labels: display labels of the variants; others keep their names.
    """
    figure = new_figure(TEXT_WIDTH, 0.6 + _ROW * len(scores))
    axes = figure.subplots()
    tested = scores[scores["effect"].notna()]
    # Intervals of two pairs can be wider than all effects together; cut at the edge, they do not rule the scale.
    effects = 100 * pd.concat([tested["effect"], tested["smallest_effect"]]).abs()
    limit = 1.6 * max(effects, default=1)
    for height, row in enumerate(scores.to_dict("records")):
        axes.axhspan(height - 0.36, height + 0.36, *_claimed_range(row, limit), color="0.9", linewidth=0)
        if np.isnan(row["effect"]):
            continue
        mark = _MARKS[row["verdict"]]
        if not np.isnan(row["ci_low"]):
            ends = np.clip([100 * row["ci_low"], 100 * row["ci_high"]], -limit, limit)
            axes.plot(ends, [height, height], color=mark["color"], linewidth=1.6, solid_capstyle="butt")
            for end, side, arrow in ((row["ci_low"], -limit, "<"), (row["ci_high"], limit, ">")):
                if abs(100 * end) > limit:
                    axes.plot(0.985 * side, height, marker=arrow, markersize=6, color=mark["color"])
        axes.plot(100 * row["effect"], height, markersize=6, **mark)
    axes.axvline(0, color="0.4", linewidth=0.6)
    axes.set_xlim(-limit, limit)
    axes.set_ylim(len(scores) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    holds = f"\n{_HOLDS.strip()} holds with all claims tested at once (Holm, 5 %)" if scores["together"].any() else ""
    axes.set_xlabel(
        f"effect (percentage points)\nlines: Student's 95 % intervals; shaded: what the claim asks for{holds}"
    )
    axes.set_yticks(range(len(scores)), [_statement(row, labels) for row in scores.to_dict("records")])
    verdicts = axes.secondary_yaxis("right")
    verdicts.set_yticks(range(len(scores)), [_verdict(row) for row in scores.to_dict("records")])
    for side in (axes.yaxis, verdicts.yaxis):
        side.set_tick_params(length=0)
    verdicts.spines["right"].set_visible(False)
    return figure


def _statement(row: dict, labels: dict[str, str]) -> str:
    comparison = wrap_text(f"({comparison_label(row, labels)})", _STATEMENT_WIDTH, 1)
    return f"{wrap_text(row['statement'], _STATEMENT_WIDTH, _STATEMENT_LINES)}\n{comparison}"


def _verdict(row: dict) -> str:
    pairs = "1 pair" if row["pairs"] == 1 else f"{row['pairs']} pairs"
    said = row["verdict"] + (_HOLDS if row["together"] else "")
    return f"{said}\n{pairs}" if row["pairs"] else said


def _claimed_range(row: dict, limit: float) -> tuple[float, float]:
    """The range of effects that the claim asks for, as fractions of the axis from -limit to limit."""
    smallest = 100 * row["smallest_effect"]
    low, high = {
        "higher": (smallest, limit),
        "lower": (-limit, -smallest),
        "not lower": (-smallest, limit),
        "not higher": (-limit, smallest),
        "equal": (-smallest, smallest),
    }[row["direction"]]
    return (low + limit) / (2 * limit), (high + limit) / (2 * limit)
