"""Papers' claims as data, and what the results say of them. Imports no torch.

A claim compares two variants on one measure. Runs are paired: two runs of one model with one seed begin with the same
weights where their layers allow it, and see the same batches, so that their difference varies less than either.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from filterfreq.analysis.intervals import student_interval
from filterfreq.errors import InputError

VERDICTS: tuple[str, ...] = ("supported", "contradicted", "undecided", "not tested", "not measured")

_PAIR = ["model", "seed"]


def score(results: pd.DataFrame, claims: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Test claims on the results of one data set.

    Args:
        results: what `filterfreq.evaluation.results.read_results` returns, of one data set.
        claims: what `filterfreq.config.load_claims` returns.

    Returns:
        One row per claim, in order: claim, statement, source, treatment, control, direction, smallest_effect; effect,
        the mean of treatment - control over all pairs of runs of one model and seed; ci_low and ci_high, its 95 %
        interval (see `student_interval`), NaN for fewer than two pairs; pairs, their number; verdict, one of `VERDICTS`
        (see `verdict`): "not measured" where no run has a number of the claim's measure, "not tested" where some have
        but no pair does. One pair gives an effect, but no interval, and so leaves the claim undecided.

    Raises:
        InputError: a claim filters by a parameter that its suite does not have.
    """
    rows = []
    for name, claim in claims.items():
        rows_of_measure = _measured(results, name, claim["measure"])
        differences = _differences(rows_of_measure, claim)
        effect = differences.mean() if len(differences) else np.nan
        low, high = student_interval(differences.to_numpy())
        said = verdict(claim["direction"], claim["smallest_effect"], effect, low, high)
        rows.append(
            {
                "claim": name,
                **{key: claim[key] for key in ("statement", "source", "treatment", "control", "direction")},
                "smallest_effect": claim["smallest_effect"],
                "effect": effect,
                "ci_low": low,
                "ci_high": high,
                "pairs": len(differences),
                "verdict": "not measured" if rows_of_measure.empty else said,
            }
        )
    return pd.DataFrame(rows)


def verdict(direction: str, smallest_effect: float, effect: float, low: float, high: float) -> str:
    """Say whether an effect and its interval support a claim.

    - `higher`, `lower`: supported when the effect is at least the smallest of interest and the interval leaves zero
      out; contradicted when the whole interval falls short of the smallest effect of interest.
    - `not lower`, `not higher`: supported when the whole interval stays on the right side of a loss of that size,
      contradicted when all of it lies beyond.
    - `equal`: supported when the whole interval lies within plus and minus the smallest effect of interest (an
      equivalence test: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987), contradicted when all
      of it lies outside.

    Otherwise the claim is undecided, as it is without an interval, and not tested without an effect.

    Args:
        direction: as in `schemas/claims.schema.yaml`.
        smallest_effect: more than 0.
        effect: treatment - control, NaN where there is none.
        low: the interval's lower end, or NaN.
        high: the interval's upper end, or NaN.

    Returns:
        One of `VERDICTS`.
    """
    if np.isnan(effect):
        return "not tested"
    if direction in ("lower", "not higher"):
        effect, low, high = -effect, -high, -low
    if direction == "equal":
        supported = -smallest_effect < low and high < smallest_effect
        contradicted = low >= smallest_effect or high <= -smallest_effect
    elif direction.startswith("not"):
        supported, contradicted = low > -smallest_effect, high < -smallest_effect
    else:
        supported, contradicted = low > 0 and effect >= smallest_effect, high < smallest_effect
    return "supported" if supported else "contradicted" if contradicted else "undecided"


def _measured(results: pd.DataFrame, name: str, measure: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows that a claim's measure stands on, those with a value."""
    rows = results[(results["suite"] == measure["suite"]) & (results["metric"] == measure["metric"])]
    if rows.empty:
        return rows
    return rows[_chosen(rows, name, measure.get("where"))].dropna(subset="value")


def _differences(rows: pd.DataFrame, claim: Mapping[str, Any]) -> pd.Series:
    """Return treatment - control by model and seed, of the pairs that are there."""
    if rows.empty:
        return pd.Series(dtype=float)
    summed = claim["measure"].get("sum_over", [])
    if summed:
        # What is left to tell rows apart is not added up but averaged.
        others = [key for key in _parameters(rows) if key not in summed]
        rows = rows.groupby([*_PAIR, "variant", *others], as_index=False, dropna=False)["value"].sum()
    values = rows.groupby(["variant", *_PAIR])["value"].mean()
    sides = [values.xs(variant) for variant in (claim["treatment"], claim["control"]) if variant in values.index]
    return (sides[0] - sides[1]).dropna() if len(sides) == 2 else pd.Series(dtype=float)


def _chosen(rows: pd.DataFrame, name: str, where: list[dict] | None) -> pd.Series:
    """Mark the rows for which all keys of one of the entries fit."""
    chosen = pd.Series(where is None, index=rows.index)
    for entry in where or []:
        fits = pd.Series(True, index=rows.index)
        for key, wanted in entry.items():
            if key not in _parameters(rows):
                raise InputError(
                    f"claims.{name}.measure.where: results of the suite {rows['suite'].iloc[0]} have no {key!r}, "
                    f"but {', '.join(_parameters(rows))}"
                )
            if isinstance(wanted, dict):
                fits &= rows[key].between(wanted.get("from", -np.inf), wanted.get("to", np.inf))
            else:
                fits &= rows[key].isin(wanted if isinstance(wanted, list) else [wanted])
        chosen |= fits
    return chosen


def _parameters(rows: pd.DataFrame) -> list[str]:
    """The keys of the rows' parameters."""
    return [pair.split("=")[0] for pair in rows["parameter"].iloc[0].split(";")]
