"""The values of pairs of runs, a treatment and its control, and the observations that they make. Imports no torch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from filterfreq.evaluation.columns import RUN_COLUMNS

RUN: list[str] = [*RUN_COLUMNS[1:]]
"""What tells the runs on one data set apart."""

Pairs = Sequence[Mapping[str, Mapping[str, Any]]]
"""Pairs of runs: each has a `treatment` and a `control`, both with the keys dataset, model, variant and seed."""


def run_key(run: Mapping[str, Any]) -> tuple[str, str, int]:
    """Return what tells a run from others on its data set, in the order of `RUN`."""
    return run["model"], run["variant"], run["seed"]


def pair_values(treatments: pd.Series, controls: pd.Series, pairs: Pairs) -> pd.DataFrame:
    """Return the values of both runs of each pair.

    Args:
        treatments: a value of runs, by `RUN`.
        controls: the same of the controls, which may be measured otherwise.
        pairs: P of them.

    Returns:
        P rows in the order of the pairs, with the columns `treatment` and `control`; NaN where a run has no value.
    """
    by_run = {"treatment": treatments.to_dict(), "control": controls.to_dict()}
    return pd.DataFrame(
        {side: [float(values.get(run_key(pair[side]), np.nan)) for pair in pairs] for side, values in by_run.items()}
    )


def observations(values: pd.Series, pairs: Pairs, counting: str) -> np.ndarray:
    """Return what an interval is taken over: a value of each pair, or of each control.

    Args:
        values: a number for some of the pairs, such as the difference of the two runs, by their position in `pairs`.
        pairs: all of them.
        counting: "each_pair", so that a control of k pairs counts k times; or "once", so that the mean over those of
            its k pairs that have a number is the one observation of a control.

    Returns:
        One number for each pair that has one, or for each control of such a pair.
    """
    if counting == "each_pair" or values.empty:
        return values.to_numpy()
    controls = [str(run_key(pairs[number]["control"])) for number in values.index]
    return values.groupby(controls, sort=False).mean().to_numpy()
