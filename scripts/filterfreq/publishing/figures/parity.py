"""Spectra of the parity function along the direction of ones (Xu et al., arXiv 1901.06523, Figure 5c).

The target on the training points, the target on all points, and what a trained network makes of all points. The whole
function is at high frequencies alone; few points of it have power at low ones, and the network learns that. Lines are
means over seeds, each with training points and a network of its own, bands the lowest to the highest.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from filterfreq.evaluation.reading import read_results
from filterfreq.fits.registry import FITS
from filterfreq.publishing.panels import grid_shape, seeds_note, shorten_title
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, add_legend, draw_lines, new_figure, use_style, variant_styles
from filterfreq.runtime.errors import InputError

PRODUCT = Product(title="Parity", needs=["parity"], takes=["labels"], reads="fits", over="fit", note="")

_FUNCTIONS = {
    "training_points": "target on the training points",
    "all_points": "target on all points",
    "network": "network on all points",
}
_PANELS_IN_A_ROW = 3
_PANEL_HEIGHT = 1.9  # inches


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit.

    Raises:
        InputError: see `filterfreq.evaluation.reading.read_results`.
    """
    return read_results(files, suite="parity", known=FITS)


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a panel with three lines for each network and variant.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no spectra of these variants.
    """
    shown = results[(results["metric"] == "magnitude") & results["variant"].isin(list(labels))]
    if shown.empty:
        raise InputError(f"there are no spectra of the variants {', '.join(labels)}: run the fit")
    networks = list(shown["model"].unique())
    panels = shown.groupby(["model", "variant"])
    order = [(network, variant) for network in networks for variant in labels if (network, variant) in panels.groups]
    rows, columns = grid_shape(len(order), _PANELS_IN_A_ROW)
    figure = new_figure(TEXT_WIDTH if columns > 1 else TEXT_WIDTH / 2, 0.3 + _PANEL_HEIGHT * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in grid.ravel()[len(order) :]:
        axes.set_axis_off()
    styles = variant_styles(_FUNCTIONS)
    for (network, variant), axes in zip(order, grid.ravel(), strict=False):
        cells = panels.get_group((network, variant)).assign(variant=lambda rows: rows["function"])
        draw_lines(axes, cells, "k", "value", styles, markers=False)
        title = labels[variant] if len(networks) == 1 else f"{labels[variant]}, {network}"
        axes.set_title("" if title == "plain" else shorten_title(title, axes))
        axes.set(xlabel="k (cycles per unit of each coordinate)", ylabel="")
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.set_ylim(bottom=0)
    for axes in grid[:, 0]:
        axes.set_ylabel("|transform|")
    add_legend(figure, styles, markers=False, note=seeds_note(shown))
    return figure
