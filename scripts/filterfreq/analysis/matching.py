"""Comparisons at one value of another measure, as of robustness at equal clean accuracy. Imports no torch."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from filterfreq.analysis.claim_measures import RunValues


def matched_differences(
    measured: RunValues, matched: RunValues, treatment: str, is_point: Callable[[str], bool]
) -> tuple[pd.Series, int]:
    """Compare a variant with a curve through others, at the place on it that the variant has in a second measure.

    Args:
        measured: what is compared, see `filterfreq.analysis.claim_measures.run_values`.
        matched: what shall be equal, of the same runs.
        treatment: the variant.
        is_point: whether a variant is a point of the curve. Only runs of the treatment's model and seed count, and of
            these such as stand on the same rows as it in both measures.

    Returns:
        By model and seed the value of the treatment less that of the curve, see `value_at`; and how many models and
        seeds are left out because the treatment lies outside the curve. Those without any point are no comparison.
    """
    (values, rows), (places, rows_of_places) = measured, matched
    runs = pd.DataFrame({"value": values, "place": places, "rows": rows, "rows_of_places": rows_of_places}).dropna()
    differences, outside = {}, 0
    for pair, of_pair in runs.groupby(level=["model", "seed"]):
        variants = of_pair.droplevel(["model", "seed"])
        if treatment not in variants.index:
            continue
        new = variants.loc[treatment]
        alike = [
            is_point(name) and (point["rows"], point["rows_of_places"]) == (new["rows"], new["rows_of_places"])
            for name, point in variants.iterrows()
        ]
        points = variants[alike]
        if points.empty:
            continue
        on_curve = value_at(new["place"], points["place"].to_numpy(), points["value"].to_numpy())
        if np.isnan(on_curve):
            outside += 1
        else:
            differences[pair] = new["value"] - on_curve
    index = pd.MultiIndex.from_tuples(list(differences), names=["model", "seed"])
    return pd.Series(list(differences.values()), index, dtype=float), outside


def value_at(place: float, places: np.ndarray, values: np.ndarray) -> float:
    """Return the height of the line through points, straight between one and the next, at a place.

    Points are taken in the order of their places, whatever made them; those of one place count as their mean.

    Args:
        place: where.
        places: of the points, N of at least 1.
        values: their heights, N.

    Returns:
        NaN before the first point and behind the last one: nothing is known there.
    """
    at, which = np.unique(places, return_inverse=True)
    heights = np.bincount(which, weights=values) / np.bincount(which)
    return float(np.interp(place, at, heights, left=np.nan, right=np.nan))
