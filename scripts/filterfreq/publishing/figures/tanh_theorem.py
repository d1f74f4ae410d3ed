"""How often the theorem on tanh networks fails near 0 (Xu et al., arXiv 1901.06523, Theorems 1 and 2).

The share of inner weights in a ball of radius delta for which the gradient at the low frequency does not dominate that
at the high one, on a logarithmic axis against 1 / delta: the theorem says that the lines stay below one that falls
straight. All draws of all seeds together, with 95 % Wilson intervals; an arrow is the upper end where none fails.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from matplotlib.transforms import offset_copy

from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import wilson_interval
from filterfreq.fits.registry import FITS
from filterfreq.publishing.panels import grid_shape, shorten_title
from filterfreq.publishing.phrases import range_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.response_panels import PLAIN
from filterfreq.publishing.style import TEXT_WIDTH, VariantStyle, add_legend, new_figure, use_style, variant_styles
from filterfreq.runtime.errors import InputError

PRODUCT = Product(title="Tanh theorem", needs=["tanh_theorem"], takes=["labels"], reads="fits", over="fit", note="")

_CONDITIONS = {
    "every_parameter": "every parameter (Theorem 1)",
    "every_inner_weight": "every inner weight",
    "whole_gradient": "whole gradient (Theorem 2)",
}
_PANELS_IN_A_ROW = 3
_PANEL_HEIGHT = 2.1  # inches
_ARROW, _ARROW_DISTANCE = 0.6, 5  # of the upper end, points


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit.

    Raises:
        InputError: see `filterfreq.evaluation.reading.read_results`.
    """
    return read_results(files, suite="tanh_theorem", known=FITS)


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a panel with a line for each condition for each variant.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no failures of these variants.
    """
    shown = results[results["variant"].isin(list(labels))]
    if shown.empty:
        raise InputError(f"there are no failures of the variants {', '.join(labels)}: run the fit")
    variants = [variant for variant in labels if variant in set(shown["variant"])]
    rows, columns = grid_shape(len(variants), _PANELS_IN_A_ROW)
    figure = new_figure(TEXT_WIDTH if columns > 1 else TEXT_WIDTH / 2, 0.3 + _PANEL_HEIGHT * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in grid.ravel()[len(variants) :]:
        axes.set_axis_off()
    styles = variant_styles(_CONDITIONS)
    for variant, axes in zip(variants, grid.ravel(), strict=False):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(PLAIN)
        axes.yaxis.set_minor_locator(NullLocator())
        for number, (condition, style) in enumerate(styles.items()):
            cells = shown[(shown["variant"] == variant) & (shown["condition"] == condition)]
            _draw_failures(axes, pooled(cells), style, number - 1)
        axes.set_title("" if labels[variant] == "plain" else shorten_title(labels[variant], axes))
        axes.set_xlabel("1 / delta")
        axes.set_xlim(0, 1.08 / shown["radius"].min())
    for axes in grid[:, 0]:
        axes.set_ylabel("share of failures")
    draws = range_phrase(shown.groupby(["variant", "condition", "radius"])["n"].sum())
    add_legend(figure, styles, note=f"{draws} draws for each delta")
    return figure


def pooled(cells: pd.DataFrame) -> pd.DataFrame:
    """Return failures of all seeds together: inverse, the share, and its interval, a row for each radius, ascending."""
    found = []
    for radius, draws in cells.groupby("radius"):
        failed, n = round((draws["value"] * draws["n"]).sum()), int(draws["n"].sum())
        low, high = wilson_interval(failed, n)
        found.append({"inverse": 1 / radius, "share": failed / n, "low": low, "high": high})
    return pd.DataFrame(found).sort_values("inverse", ignore_index=True)


def _draw_failures(axes: Axes, failures: pd.DataFrame, style: VariantStyle, beside: int) -> None:
    some, none = failures[failures["share"] > 0], failures[failures["share"] == 0]
    axes.errorbar(
        some["inverse"],
        some["share"],
        [some["share"] - some["low"], some["high"] - some["share"]],
        color=style.colour,
        linestyle=(0, style.dashes),
        marker=style.marker,
        markeredgecolor="white",
        elinewidth=0.8,
    )
    # Arrows of several conditions at one radius stand side by side, so that matplotlib does not see where they end.
    axes.update_datalim(none[["inverse", "high"]].to_numpy() * (1, 1 - _ARROW))
    axes.autoscale_view()
    axes.errorbar(
        none["inverse"],
        none["high"],
        none["high"] * _ARROW,
        uplims=True,
        color=style.colour,
        linestyle="",
        elinewidth=0.8,
        transform=offset_copy(axes.transData, axes.figure, x=_ARROW_DISTANCE * beside, units="points"),
    )
