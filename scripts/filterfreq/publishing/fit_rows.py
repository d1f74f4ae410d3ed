"""The results of one fit, as tables and figures take them. Imports no matplotlib."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from filterfreq.evaluation.reading import read_results
from filterfreq.fits.registry import FITS
from filterfreq.runtime.errors import InputError


def read_fit(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit.

    Raises:
        InputError: see `filterfreq.evaluation.reading.read_results`.
    """
    return read_results(files, known=FITS)


def rows_of_variants(
    results: pd.DataFrame, metric: str, labels: Mapping[str, str], what: str
) -> dict[tuple[str, str], pd.DataFrame]:
    """Return the rows of a metric for each network and variant, in the order of networks and then of labels.

    Args:
        results: what `read_fit` returns.
        metric: one that the fit measures.
        labels: of the variants, in order.
        what: the metric in words, for the sentence.

    Raises:
        InputError: there is no row of these variants.
    """
    shown = results[(results["metric"] == metric) & results["variant"].isin(list(labels))]
    if shown.empty:
        raise InputError(f"there are no {what} of the variants {', '.join(labels)}: run the fit")
    panels = shown.groupby(["model", "variant"])
    order = [(network, variant) for network in shown["model"].unique() for variant in labels]
    return {key: panels.get_group(key) for key in order if key in panels.groups}
