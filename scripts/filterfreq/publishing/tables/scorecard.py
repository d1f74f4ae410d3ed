"""What the results of experiment *{experiment}* on *{dataset}* say of the papers' claims.

The mean difference of the two variants over pairs of runs of one model and seed, each model weighing the same (of
treatments against controls, over the experiment's pairs; beyond other results: how much larger it is than there,
whichever way both lie; less another difference: by how much it is above that one; at equal values of a second measure:
from a line through all strengths of the control), Student's 95 % interval, and the verdict: supported, contradicted,
negligible (certainly smaller than the smallest effect of interest), undecided at this scale, needs more pairs (at least
three of a model), no pairs (of runs that can be compared), outside the sweep (whose line does not reach the treatment's
value of the second measure), or not measured. "Holm" says whether a verdict holds when all claims are tested at once.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from filterfreq.analysis.claims import FEWEST_PAIRS, score
from filterfreq.analysis.pairs import Pairs
from filterfreq.publishing.numbers import MINUS, interval_text, number_text
from filterfreq.publishing.phrases import (
    claims_in_points,
    comparison_label,
    counting_phrase,
    needs_phrase,
    observations_phrase,
    pairs_cell,
    range_phrase,
)
from filterfreq.publishing.registry import Product
from filterfreq.publishing.table import TextTable

PRODUCT = Product(
    title="Claims",
    adds=["claimed"],
    takes=["labels", "claims", "pairs", "controls"],
    when="claims_tested",
)


class _Scale(NamedTuple):
    """How effects of one unit are shown."""

    factor: float
    form: str
    unit: str


_POINTS, _OWN = _Scale(100, "+.1f", "points"), _Scale(1, "+.3f", "–")
_SIGNS = {
    "higher": "> {}",
    "lower": f"< {MINUS}{{}}",
    "not lower": f"> {MINUS}{{}}",
    "not higher": "< {}",
    "equal": "within ±{}",
}


def tabulate(
    results: pd.DataFrame,
    labels: dict[str, str],
    claims: Mapping[str, Mapping],
    pairs: Pairs = (),
    controls: str = "each_pair",
) -> TextTable:
    """Say what the results say of the claims.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        claims: by name, see `filterfreq.analysis.claims.score`.
        pairs: those of claims over pairs, see the same.
        controls: how often a control of several pairs counts, see the same.
    """
    scores = score(results, claims, pairs, controls)
    return tabulate_scores(scores, labels, results["dataset"].iloc[0], claims_in_points(claims))


def tabulate_scores(
    scores: pd.DataFrame, labels: dict[str, str], dataset: str, in_points: Collection[str] | None = None
) -> TextTable:
    """Return the claims with effects, intervals and verdicts.

    Args:
        scores: what `filterfreq.analysis.claims.score` returns.
        labels: display labels of the variants; others keep their names.
        dataset: the data set, for the caption.
        in_points: the claims whose effects are shares, shown in percentage points; the others are shown in the unit of
            their measure. All unless given.
    """
    scales = [_POINTS if in_points is None or name in in_points else _OWN for name in scores["claim"]]
    rows = [
        {
            "claim": row["statement"],
            "comparison": _comparison(row, labels),
            "expected": _SIGNS[row["direction"]].format(f"{scale.factor * row['smallest_effect']:g}"),
            "unit": scale.unit,
            "verdict": _verdict(row),
            "Holm": "–" if np.isnan(row["p"]) else "holds" if row["together"] else "does not hold",
            "effect": _effect(row, scale),
            "95 % interval": _interval(row, scale),
            "n": range_phrase([row["fewest_images"], row["most_images"]]) or "–",
            "pairs": pairs_cell(row["pairs"], row["controls"] if row.get("over") == "pairs" else row["pairs"]),
        }
        for row, scale in zip(scores.to_dict("records"), scales, strict=True)
    ]
    unit = "in percentage points"
    if _OWN in scales:
        unit += ", or where the unit is a dash in that of the measure"
    else:
        rows = [{key: cell for key, cell in row.items() if key != "unit"} for row in rows]
    # What stayed undecided was tested too.
    tested = int((scores["p"].notna() | (scores["verdict"] == "undecided")).sum())
    several = (
        " (in brackets the least and the largest of a model)"
        if (scores["lowest_model"] < scores["highest_model"]).any()
        else ""
    )
    models = list(dict.fromkeys(name for names in scores["models"] if names for name in names.split(", ")))
    at_once = (
        f"; Holm: whether it holds when all {tested} claims that have them are tested at once (Holm's method, 5 %)"
        if tested
        else ""
    )
    model_names = f" ({', '.join(models)})" if models else ""
    means, fewest = [], []
    over_pairs = scores["over"] == "pairs" if "over" in scores else pd.Series(False, scores.index)
    if not over_pairs.all():
        means.append(
            f"of the two variants {unit}, the mean over pairs of runs of one model and seed, each model "
            f"weighing the same{several}, with Student's 95 % interval of that mean over these models"
        )
        fewest.append(f"{FEWEST_PAIRS} pairs of each model")
    if over_pairs.any():
        counting = scores.loc[over_pairs, "counting"].iloc[0]
        means.append(
            f"of treatments and controls {unit}, the mean over the experiment's pairs, "
            f"{counting_phrase(counting)}, with Student's 95 % interval of that mean"
        )
        fewest.append(f"{FEWEST_PAIRS} {observations_phrase(counting)} of the experiment")
    if "beyond" in scores:
        means.append("beyond other results, how much larger they are than there, whichever way both lie")
    if "minus_control" in scores:
        means.append("of one difference less another, by how much it is above that one")
    if "matched" in scores:
        means.append("at equal values of a second measure, from a line through all strengths of the control")
    caption = (
        f"The papers' claims on {dataset}{model_names}. Effects are differences {'; or '.join(means)}; expected is "
        "what the claim says, with the smallest effect of interest; n: images that a value stands on (of energy: "
        f"filters of a layer). A verdict is the claim's own, at 5 %, and takes {', or '.join(fewest)}{at_once}."
    )
    return TextTable(scores, pd.DataFrame(rows), caption, right=4)


def _comparison(row: dict, labels: dict[str, str]) -> str:
    compared = comparison_label(row, labels)
    if isinstance(row.get("matched"), str):
        return f"{compared}, at equal {row['matched']}"
    return f"{compared}, beyond {row['beyond']}" if isinstance(row.get("beyond"), str) else compared


def _verdict(row: dict) -> str:
    if row["verdict"] != "too few pairs":
        return row["verdict"]
    return needs_phrase(FEWEST_PAIRS, observations_phrase(row["counting"] if row.get("over") == "pairs" else ""))


def _effect(row: dict, scale: _Scale) -> str:
    if np.isnan(row["effect"]):
        return "–"
    names = ("effect", "lowest_model", "highest_model")
    effect, *ends = (number_text(scale.factor * row[name], scale.form) for name in names)
    return effect + (f" ({' to '.join(ends)})" if ends[0] != ends[1] else "")


def _interval(row: dict, scale: _Scale) -> str:
    return interval_text(scale.factor * row["ci_low"], scale.factor * row["ci_high"], scale.form)
