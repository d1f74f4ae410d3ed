"""How much of each sinusoid a network has learned, against the iteration (Rahaman et al., ICML 2019, Figure 1).

The amplitude of each frequency in what the network has learned, as a fraction of that in the target: 0 where it is not
learned, 1 where it is; larger values are shown as 1. Means over seeds, each with phases and a network of its own.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from filterfreq.evaluation.reading import read_results
from filterfreq.fits.registry import FITS
from filterfreq.publishing.panels import grid_shape
from filterfreq.publishing.phrases import is_one_seed, seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, use_style, wrap_text
from filterfreq.runtime.errors import InputError

PRODUCT = Product(title="Sums of sinusoids", needs=["sinusoids"], takes=["labels"], reads="fits", over="fit", note="")

# Its lightness falls from end to end, so it reads in grey too.
_COLOURS = "mako_r"
_PANELS_IN_A_ROW = 3
_PANEL_HEIGHT = 1.7  # inches
_TITLE_WIDTH, _TITLE_LINES = 30, 3
_MOST_TICKS = 10


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit.

    Raises:
        InputError: see `filterfreq.evaluation.reading.read_results`.
    """
    return read_results(files, suite="sinusoids", known=FITS)


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a heat map over frequency and iteration for each network (rows) and variant (columns).

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no amplitudes of these variants.
    """
    shown = results[(results["metric"] == "normalised_amplitude") & results["variant"].isin(list(labels))]
    if shown.empty:
        raise InputError(f"there are no amplitudes of the variants {', '.join(labels)}: run the fit")
    networks = list(shown["model"].unique())
    panels = shown.groupby(["model", "variant"])
    order = [(network, variant) for network in networks for variant in labels if (network, variant) in panels.groups]
    _, columns = grid_shape(len(set(shown["variant"])), _PANELS_IN_A_ROW)
    rows = -(-len(order) // columns)
    figure = new_figure(TEXT_WIDTH, 0.3 + _PANEL_HEIGHT * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.ravel()[len(order) :]:
        axes.set_axis_off()
    for (network, variant), axes in zip(order, grid.ravel(), strict=False):
        cells = panels.get_group((network, variant))
        means = cells.pivot_table(index="iteration", columns="frequency", values="value", aggfunc="mean")
        image = _draw_map(axes, means)
        title = labels[variant] if len(networks) == 1 else f"{network}, {labels[variant]}"
        axes.set_title(wrap_text(title, _TITLE_WIDTH, _TITLE_LINES))
        axes.set_ylabel("iteration" if axes in grid[:, 0] else "")
    seeds = panels["seed"].nunique()
    label = "normalised amplitude" + ("" if is_one_seed(seeds) else f",\nmean of {seeds_phrase(seeds)}")
    figure.colorbar(image, ax=grid, label=label, aspect=20 * rows)
    return figure


def _draw_map(axes: Axes, means: pd.DataFrame) -> QuadMesh:
    """Draw amplitudes, a row for each iteration and a column for each frequency, and name the frequencies."""
    positions = np.arange(len(means.columns))
    # A map of a thousand rows as vectors would be a file of megabytes.
    image = axes.pcolormesh(
        positions, means.index.to_numpy(float), means, vmin=0, vmax=1, cmap=_COLOURS, rasterized=True
    )
    axes.grid(visible=False)
    step = -(-len(positions) // _MOST_TICKS)
    axes.set_xticks(positions[::step], [str(frequency) for frequency in means.columns[::step]])
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel("frequency (cycles per period)")
    return image
