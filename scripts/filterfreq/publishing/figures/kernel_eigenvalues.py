"""The rates at which a gradient flow on the circle learns each frequency, after E, Ma, Wu (arXiv 1912.12777).

The line is the formula, crosses are the Fourier transform of the kernel on the grid, and discs are the frequencies of
the target. Left of the vertical line the rates rise, so that of the target's frequencies the higher one is learned
sooner; right of it they fall, and the lower one is.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from filterfreq.publishing.function_panels import first_seed, read_fit, rows_of, split_panels
from filterfreq.publishing.panels import grid_shape
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import BAD, COLUMN_WIDTH, TEXT_WIDTH, add_legend, new_figure, use_style

PRODUCT = Product(
    title="Kernel eigenvalues", needs=["kernel_flow"], takes=["labels"], reads="fits", over="fit", note=""
)

_PANELS_IN_A_ROW = 3
_PANEL_HEIGHT = 2.0  # inches
_TITLE_WIDTH = 34
_LINE = {"color": "black", "linewidth": 0.8}
_CROSSES = {"color": "black", "marker": "x", "linestyle": "none", "markersize": 3}
_DISCS = {"color": BAD, "marker": "o", "linestyle": "none", "markersize": 6, "markeredgecolor": "white"}
_SEEN = 0.003  # of the largest eigenvalue
_PEAK = {"color": "0.55", "linestyle": (0, (4, 1.5))}


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit."""
    return read_fit(files, "kernel_flow")


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a panel for each variant.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no eigenvalues of these variants.
    """
    rows_of(results, "flow_eigenvalue", labels)
    panels = split_panels(results, labels, _TITLE_WIDTH)
    rows, columns = grid_shape(len(panels), _PANELS_IN_A_ROW)
    figure = new_figure(TEXT_WIDTH if columns > 1 else COLUMN_WIDTH, 0.3 + _PANEL_HEIGHT * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in grid.ravel()[len(panels) :]:
        axes.set_axis_off()
    for (title, shown), axes in zip(panels, grid.ravel(), strict=False):
        metrics = dict(iter(first_seed(shown).groupby("metric")))
        values = metrics["flow_eigenvalue"].pivot_table(index="frequency", columns="of", values="value")
        values.index = values.index.astype(int)
        axes.axvline(metrics["flow_peak"]["value"].iloc[0], **_PEAK)
        axes.plot(values["formula"], **_LINE)
        axes.plot(values["transform"], **_CROSSES)
        axes.plot(values["formula"].reindex(metrics["flow_residual"]["frequency"].unique()).dropna(), **_DISCS)
        last = _last_shown(values["formula"], metrics["flow_residual"]["frequency"].max())
        axes.set_xlim(-0.04 * last, 1.04 * last)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.set_title(title)
        axes.set_xlabel("k (cycles on the circle)")
        axes.set_ylabel("eigenvalue" if axes in grid[:, 0] else "")
    looks = {"formula": _LINE, "transform of the kernel": _CROSSES, "in the target": _DISCS, "k = √2 / h": _PEAK}
    add_legend(figure, {}, extra=[Line2D([], [], label=label, **look) for label, look in looks.items()])
    return figure


def _last_shown(eigenvalues: pd.Series, highest: int) -> int:
    """The last frequency with an eigenvalue that can be told from 0, or one behind the highest of the target."""
    return int(max(highest + 1, eigenvalues[eigenvalues > _SEEN * eigenvalues.max()].index.max()))
