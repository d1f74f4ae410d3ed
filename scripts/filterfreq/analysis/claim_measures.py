"""The one number for every run that a claim measures, and the rows of results that it stands on. Imports no torch."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from filterfreq.analysis.learning_order import asks_for_share, share_of_training
from filterfreq.analysis.pairs import RUN
from filterfreq.analysis.slopes import least_squares_slope
from filterfreq.evaluation.registry import BATCH_NORMS
from filterfreq.training.epsilon import parse_epsilon

RunValues = tuple[pd.Series, pd.Series]
"""A measure of each run, by `filterfreq.analysis.pairs.RUN`, and the parameters of the rows that it stands on."""
SHOWN_BATCH_NORM = "shown"
"""The value of batch_norm in `where` that means the way that tables and figures show: the first of `BATCH_NORMS`."""
HIGHEST = "highest"
"""The value of a frequency in `where` that means the highest of the layer, whatever the size of its kernels."""

_SHARES = ("accuracy", "clean_accuracy", "shape_bias", "sparsity")  # metrics that count images, or filters
_EPOCH_ROUNDING = 1e-6  # of the epoch of a snapshot of a batch, as results have it
_AGAINST = "against"  # the column of what a slope is against
# Which layer a row is of: two models of different sources call their layers by other names.
_LAYER = ("layer", "index", "depth", "conv_depth", "conv_depth_norm")
_OF_EPOCH = re.compile(r"^epoch=[^;]*;?")
_OF_LAYER = re.compile(rf"(?:^|;)(?:{'|'.join(_LAYER)})=[^;]*")


def measured_rows(results: pd.DataFrame, measure: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows that a measure stands on, those with a value; none where a value that it names has no row.

    Of a slope also those alone have a value that have one to be set against.

    Args:
        results: what `filterfreq.evaluation.reading.read_results` returns, of one data set.
        measure: as a claim has it, see `schemas/claims.schema.yaml`.
    """
    rows = results[(results["suite"] == measure["suite"]) & (results["metric"] == measure["metric"])]
    over_training = measure.get("over_training")
    if "epoch" in rows:
        rows = rows[rows["epoch"].notna() if over_training else rows["epoch"].isna()]
    elif over_training:
        return rows[:0]
    if over_training and "at" in over_training:
        rows = rows[np.isclose(rows["epoch"], over_training["at"], rtol=0, atol=_EPOCH_ROUNDING)]
    if "slope_over" in measure:
        slope_over = measure["slope_over"]
        others = results[(results["suite"] == slope_over["suite"]) & (results["metric"] == slope_over["metric"])]
        key = slope_over["parameter"]
        if rows.empty or others.empty:
            return rows[:0]
        rows = rows.assign(**{_AGAINST: rows[key].map(others.groupby(key)["value"].mean())}).dropna(subset=_AGAINST)
    if rows.empty or "where" not in measure:
        return rows.dropna(subset="value")
    chosen = pd.Series(False, index=rows.index)
    for entry in measure["where"]:
        fits = pd.Series(True, index=rows.index)
        for key, wanted in entry.items():
            matches = [_match_rows(rows, key, one) for one in (wanted if isinstance(wanted, list) else [wanted])]
            if not all(match.any() for match in matches):
                return rows[:0]
            fits &= np.logical_or.reduce(matches)
        if not fits.any():
            return rows[:0]
        chosen |= fits
    return rows[chosen].dropna(subset="value")


def run_values(rows: pd.DataFrame, measure: Mapping[str, Any], *, whatever_layers: bool = False) -> RunValues:
    """Return a measure of each run, and the parameters of the rows that it stands on.

    Args:
        rows: what `measured_rows` returns, or some of it.
        measure: as a claim has it.
        whatever_layers: makes that the parameters do not say which layers the rows are of.
    """
    if rows.empty:
        nothing = pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[], [], []], names=RUN))
        return nothing, nothing
    summed, over_training = measure.get("sum_over", []), measure.get("over_training", {})
    is_share = asks_for_share(over_training)
    if summed:
        # What is left to tell rows apart is not added up but averaged.
        others = [key for key in _parameters(rows) if key not in summed]
        kept = [_AGAINST] if _AGAINST in rows else []
        parts = rows.groupby([*RUN, *others, *kept], as_index=False, dropna=False)
        rows = parts.agg({"value": "sum", "n": "max"})
        untold = (*(_LAYER if whatever_layers else ()), *(("epoch",) if is_share else ()))
        told = [key for key in others if key not in untold]
        rows["parameter"] = rows[told].astype(str).agg(";".join, axis="columns") if told else ""
    elif whatever_layers:
        rows = rows.assign(parameter=rows["parameter"].str.replace(_OF_LAYER, "", regex=True))
    by = [*RUN, "epoch"] if is_share else RUN
    values = rows.groupby(by)["value"].mean()
    if measure.get("weighted_by_n", False):
        weighted = (rows["value"] * rows["n"]).groupby([rows[key] for key in by]).sum()
        values = weighted / rows.groupby(by)["n"].sum()
    if is_share:
        values = values.groupby(level=RUN).apply(
            lambda run: share_of_training(
                run.index.get_level_values("epoch").to_numpy(float), run.to_numpy(), over_training
            )
        )
        # Trainings of other batches have other snapshots, which changes nothing of what is compared.
        rows = rows.assign(parameter=rows["parameter"].str.replace(_OF_EPOCH, "", regex=True))
    if _AGAINST in rows:
        points = rows.groupby([*RUN, measure["slope_over"]["parameter"]])[["value", _AGAINST]].mean()
        of_runs = points.groupby(level=RUN)
        values = of_runs.apply(lambda run: float(least_squares_slope(*run[[_AGAINST, "value"]].to_numpy().T)))
    return values, rows.groupby(RUN)["parameter"].agg(frozenset)


def image_count(rows: pd.DataFrame, measure: Mapping[str, Any]) -> float:
    """Return on how many images, over all its rows, the least run stands; NaN where a measure is no share of images.

    Args:
        rows: what `measured_rows` returns, or some of it.
        measure: as a claim has it.
    """
    if asks_for_share(measure.get("over_training", {})):
        return np.nan
    if rows.empty or _AGAINST in rows or not rows["metric"].isin(_SHARES).all():
        return np.nan
    return float(rows.groupby(RUN)["n"].sum().min())


def misses_range(results: pd.DataFrame, measure: Mapping[str, Any]) -> bool:
    """Return whether the suite's metric was measured, but not within a range that a measure names."""
    rows = results[(results["suite"] == measure["suite"]) & (results["metric"] == measure["metric"])]
    ranges = [(key, one) for entry in measure.get("where", []) for key, one in entry.items() if isinstance(one, dict)]
    return len(rows) > 0 and any(not _match_rows(rows, key, one).any() for key, one in ranges)


def _match_rows(rows: pd.DataFrame, key: str, wanted: Any) -> pd.Series:
    """Mark the rows whose parameter `key` is a value, lies in a range, or is the highest of its layer."""
    if isinstance(wanted, dict):
        return rows[key].between(wanted.get("from", -np.inf), wanted.get("to", np.inf)).fillna(False).astype(bool)
    if wanted == SHOWN_BATCH_NORM:
        return rows[key] == next((name for name in BATCH_NORMS if (rows[key] == name).any()), None)
    if wanted == HIGHEST:
        return rows[key] == rows.groupby([*RUN, "layer"])[key].transform("max")
    if key == "epsilon":
        return rows["epsilon_value"] == parse_epsilon(str(wanted))
    # A number where rows hold text is that text.
    is_text = not pd.api.types.is_numeric_dtype(rows[key])
    return rows[key] == (str(wanted) if is_text else wanted)


def _parameters(rows: pd.DataFrame) -> list[str]:
    """The keys of the rows' parameters."""
    return [pair.split("=")[0] for pair in rows["parameter"].iloc[0].split(";")]
