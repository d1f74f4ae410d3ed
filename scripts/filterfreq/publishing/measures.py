"""The measures that tables and figures share, with one value for every run. Imports neither matplotlib nor scipy."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from filterfreq.errors import InputError
from filterfreq.evaluation.corruptions import COMMON, mean_corruption_error, relative_mean_corruption_error
from filterfreq.publishing.selection import attack_label, attacks, norm_label

RUN: list[str] = ["model", "variant", "seed"]
"""What tells the runs on one data set apart."""


def main_columns(frame: pd.DataFrame, baseline: str) -> list[tuple[str, str, pd.Series]]:
    """Return the measures of `main_table`, each with its setting and its values by model, variant and seed.

    Args:
        frame: what `select` returns.
        baseline: the variant whose corruption error is 1.
    """
    frame = frame[frame["suite"] != "transfer"]  # the same attacks, not made on the model itself
    columns = [*clean_accuracy(frame)]
    for attack, norm in attacks(frame):
        at_epsilon = list(attacked(frame, attack, norm))
        epsilon, values = at_epsilon[(len(at_epsilon) - 1) // 2]
        columns.append((attack_label(attack), f"{norm_label(norm)} {epsilon}", values))
    means = corruption_means(frame, baseline)
    columns += [("corruptions", name, values) for name, values in means if name != "relative mCE"]
    columns += [("shape bias", "", values) for category, values in shape_biases(frame) if category == "overall"]
    return columns


def clean_accuracy(frame: pd.DataFrame) -> Iterator[tuple[str, str, pd.Series]]:
    """Yield the column of the clean accuracy, if it was measured."""
    rows = frame[(frame["suite"] == "clean") & (frame["metric"] == "accuracy")]
    if not rows.empty:
        yield "clean", "", values_by_run(rows)


def attacked(frame: pd.DataFrame, attack: str, norm: str) -> Iterator[tuple[str, pd.Series]]:
    """Yield every epsilon of an attack, from small to large, with the accuracies at it."""
    rows = frame[(frame["attack"] == attack) & (frame["norm"] == norm)]
    for _, at_epsilon in rows.groupby("epsilon_value"):
        yield at_epsilon["epsilon"].iloc[0], values_by_run(at_epsilon)


def by_corruption(frame: pd.DataFrame) -> pd.DataFrame:
    """Return accuracies with one row per run and columns (corruption, severity), NaN where one is missing."""
    rows = frame[(frame["suite"] == "corruption") & (frame["metric"] == "accuracy")]
    return rows.set_index([*RUN, "corruption", "severity"])["value"].unstack(["corruption", "severity"])  # noqa: PD010


def corruption_means(frame: pd.DataFrame, baseline: str) -> Iterator[tuple[str, pd.Series]]:
    """Yield the mean accuracy over the common corruptions, and mCE where all of them and the baseline were measured.

    Relative mCE also needs the clean accuracies of both.

    A run that lacks a corruption or a severity which another run has would not be comparable: it gets no mean.
    """
    measured = by_corruption(frame)
    common = measured.loc[:, measured.columns.isin(COMMON, level="corruption")].dropna()
    if common.empty:
        return
    yield "mean", common.mean(axis="columns")
    if not set(COMMON) <= set(common.columns.unique("corruption")):
        return
    accuracies = {run: values.unstack("severity") for run, values in common.iterrows()}  # noqa: PD010
    clean = {run: value for _, _, values in clean_accuracy(frame) for run, value in values.items()}
    errors: dict[str, dict] = {"mCE": {}, "relative mCE": {}}
    for run, accuracy in accuracies.items():
        model, _, seed = run
        reference = (model, baseline, seed)
        if reference not in accuracies:
            continue
        errors["mCE"][run] = mean_corruption_error(accuracy, accuracies[reference])
        if run in clean and reference in clean:
            errors["relative mCE"][run] = relative_mean_corruption_error(
                accuracy, clean[run], accuracies[reference], clean[reference]
            )
    for name, values in errors.items():
        if values:
            # A baseline without any error has no relative error.
            yield name, pd.Series(values).rename_axis(RUN).replace(np.inf, np.nan)


def shape_biases(frame: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """Yield every category, and "overall", with the shape biases."""
    rows = frame[(frame["suite"] == "cue_conflict") & (frame["metric"] == "shape_bias")]
    for category, its_rows in rows.groupby("category", sort=False):
        yield category, values_by_run(its_rows)


def values_by_run(rows: pd.DataFrame) -> pd.Series:
    """Return the values by model, variant and seed."""
    return rows.set_index(RUN)["value"]


def calibration_errors(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the expected calibration errors on clean images, as severity 0, and under the common corruptions.

    Raises:
        InputError: there are none.
    """
    rows = frame[frame["metric"] == "expected_calibration_error"]
    rows = rows[(rows["suite"] == "clean") | rows["corruption"].isin(COMMON)]
    if rows.empty:
        raise InputError("there are no calibration errors: run the evaluations clean and corruption")
    return rows.assign(severity=rows["severity"].where(rows["suite"] != "clean", 0).astype("int64"))
