"""What figures of functions that were fitted share: rows of one metric, panels of networks and variants, decades."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator

from filterfreq.evaluation.reading import read_results
from filterfreq.fits.registry import FITS
from filterfreq.publishing.style import wrap_text
from filterfreq.runtime.errors import InputError

_TITLE_LINES = 3


def read_fit(files: Iterable[str | Path], kind: str) -> pd.DataFrame:
    """Read the aggregated results of one fit.

    Args:
        files: one.
        kind: a key of `FITS`.

    Raises:
        InputError: see `filterfreq.evaluation.reading.read_results`.
    """
    return read_results(files, suite=kind, known=FITS)


def rows_of(results: pd.DataFrame, metric: str, labels: dict[str, str]) -> pd.DataFrame:
    """Return the rows of one metric and of the variants that have labels.

    Raises:
        InputError: there are none.
    """
    found = results[(results["metric"] == metric) & results["variant"].isin(list(labels))]
    if found.empty:
        raise InputError(f"there is no {metric} of the variants {', '.join(labels)}: run the fit")
    return found


def split_panels(rows: pd.DataFrame, labels: dict[str, str], width: int) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each network and variant, in the order of the labels, with a title.

    Args:
        rows: of results.
        labels: of the variants, in order.
        width: characters of a title's line.
    """
    return list(_panels(rows, labels, width))


def _panels(rows: pd.DataFrame, labels: dict[str, str], width: int) -> Iterator[tuple[str, pd.DataFrame]]:
    networks = list(rows["model"].unique())
    groups = rows.groupby(["model", "variant"])
    for network in networks:
        for variant, label in labels.items():
            if (network, variant) in groups.groups:
                title = label if len(networks) == 1 else f"{network}, {label}"
                yield wrap_text(title, width, _TITLE_LINES), groups.get_group((network, variant))


def first_seed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the first seed, where functions of several would be drawn over each other."""
    return rows[rows["seed"] == rows["seed"].min()]


def scale_decades(axes: Axes) -> None:
    """Make the upright axis logarithmic, with its ticks as plain numbers: decades, and 2 and 5 where there are few."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    steps = (1.0, 2.0, 5.0) if high < 50 * low else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=steps, numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axes.minorticks_off()
