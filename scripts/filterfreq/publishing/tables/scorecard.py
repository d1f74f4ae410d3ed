"""What the results of experiment *{experiment}* on *{dataset}* say of the papers' claims.

The mean difference of the two variants over pairs of runs of one model and seed, each model weighing the same (of
treatments against controls, over the experiment's pairs; beyond other results: how much larger it is than there,
whichever way both lie; less another difference: by how much it is above that one; at equal values of a second measure:
from a line through all strengths of the control), Student's 95 % interval, and the verdict: supported, contradicted,
negligible (certainly smaller than the smallest effect of interest), undecided at this scale, too few pairs (below three
of a model), no pairs (of runs that can be compared), outside the sweep (whose line does not reach the treatment's value
of the second measure), or not measured. "Holm" says whether a verdict holds when all claims are tested at once.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from filterfreq.analysis.claims import FEWEST_PAIRS, score
from filterfreq.analysis.pairs import Pairs
from filterfreq.publishing.numbers import MINUS, interval_text, percent_text
from filterfreq.publishing.phrases import comparison_label, counting_phrase, pairs_cell, range_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.table import TextTable

PRODUCT = Product(
    title="Claims",
    adds=["claimed"],
    takes=["labels", "claims", "pairs", "controls"],
    when="claims_tested",
)

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
    return tabulate_scores(score(results, claims, pairs, controls), labels, results["dataset"].iloc[0])


def tabulate_scores(scores: pd.DataFrame, labels: dict[str, str], dataset: str) -> TextTable:
    """Return the claims with effects, intervals and verdicts.

    Args:
        scores: what `filterfreq.analysis.claims.score` returns.
        labels: display labels of the variants; others keep their names.
        dataset: the data set, for the caption.
    """
    rows = [
        {
            "claim": row["statement"],
            "comparison": _comparison(row, labels),
            "expected": _SIGNS[row["direction"]].format(f"{100 * row['smallest_effect']:g}"),
            "verdict": row["verdict"],
            "Holm": "–" if np.isnan(row["p"]) else "holds" if row["together"] else "does not hold",
            "effect": _effect(row),
            "95 % interval": _interval(row),
            "n": range_phrase([row["fewest_images"], row["most_images"]]) or "–",
            "pairs": pairs_cell(row["pairs"], row["controls"] if row.get("over") == "pairs" else row["pairs"]),
        }
        for row in scores.to_dict("records")
    ]
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
            "of the two variants in percentage points, the mean over pairs of runs of one model and seed, each model "
            f"weighing the same{several}, with Student's 95 % interval of that mean over these models"
        )
        fewest.append(f"{FEWEST_PAIRS} pairs of each model")
    if over_pairs.any():
        counting = scores.loc[over_pairs, "counting"].iloc[0]
        means.append(
            "of treatments and controls in percentage points, the mean over the experiment's pairs, "
            f"{counting_phrase(counting)}, with Student's 95 % interval of that mean"
        )
        fewest.append(f"{FEWEST_PAIRS} {'controls' if counting == 'once' else 'pairs'} of the experiment")
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


def _effect(row: dict) -> str:
    if np.isnan(row["effect"]):
        return "–"
    ends = [percent_text(row[end], "+.1f") for end in ("lowest_model", "highest_model")]
    return percent_text(row["effect"], "+.1f") + (f" ({' to '.join(ends)})" if ends[0] != ends[1] else "")


def _interval(row: dict) -> str:
    return interval_text(100 * row["ci_low"], 100 * row["ci_high"], "+.1f")
