"""The results that a table or figure shows: those of its variants, in order, with a column for every parameter."""

from collections.abc import Iterable

import pandas as pd

from filterfreq.evaluation.columns import RUN_COLUMNS
from filterfreq.evaluation.registry import PARAMETERS
from filterfreq.runtime.errors import InputError

RUN: list[str] = ["model", "variant", "seed"]
"""What tells the runs on one data set apart."""


def select(results: pd.DataFrame, variants: dict[str, str], suites: Iterable[str] = ()) -> pd.DataFrame:
    """Choose the results of some variants (and suites), and check that they can stand beside each other.

    Args:
        results: what `read_results` returns, of one data set.
        variants: variant names and their display labels, in order.
        suites: the suites wanted; none means all.

    Returns:
        The rows chosen, with a column for every parameter of a suite (missing ones empty); `model` and `variant` are
        ordered categories: models as they occur, variants as asked for, both without those that have no row.

    Raises:
        InputError: several data sets, two variants with one label, one measurement given twice, or nothing to choose.
    """
    datasets = results["dataset"].unique()
    if len(datasets) > 1:
        raise InputError(
            f"results of several data sets ({', '.join(datasets)}) cannot share a table: give one at a time"
        )
    labels = list(variants.values())
    repeated = sorted({label for label in labels if labels.count(label) > 1})
    if repeated:
        raise InputError(f"several variants are labelled {repeated[0]!r}: give each a label of its own")
    identity = [*RUN_COLUMNS, "suite", "metric", "parameter"]
    twice = results[results.duplicated(identity)]
    if not twice.empty:
        what = ", ".join(f"{column} {twice.iloc[0][column]}" for column in identity)
        raise InputError(f"the results hold {what} more than once: give every result file once")
    chosen = results[results["variant"].isin(list(variants))]
    if chosen.empty:
        raise InputError(f"there are no results of the variants {', '.join(variants)}: run their evaluations")
    if suites:
        chosen = chosen[chosen["suite"].isin(list(suites))]
        if chosen.empty:
            raise InputError(f"there are no results of the suite {' or '.join(suites)}: run this evaluation")
    columns = dict.fromkeys([*results.columns, *PARAMETERS])
    chosen = chosen.reindex(columns=list(columns))
    return order_variants(chosen, variants)


def order_variants(frame: pd.DataFrame, variants: dict[str, str]) -> pd.DataFrame:
    """Return a copy whose `model` and `variant` are ordered categories: as they occur, and as asked for."""
    present = set(frame["variant"])
    order = {"model": frame["model"].unique(), "variant": [name for name in variants if name in present]}
    return frame.assign(**{name: pd.Categorical(frame[name], values, ordered=True) for name, values in order.items()})


def present_variants(frame: pd.DataFrame, variants: dict[str, str]) -> dict[str, str]:
    """Return the variants that have a row, with their labels, in order."""
    return {name: variants[name] for name in frame["variant"].cat.categories}
