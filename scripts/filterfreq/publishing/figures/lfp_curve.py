"""A wide two-layer ReLU network and the solution of the linear frequency principle (LFP) on the same points.

After Zhang et al. (arXiv 1905.10264, Figure 1). Solid, the network after training; dash-dotted, the LFP solution of its
initial parameters; grey, of the natural cubic and the linear spline that which is nearer to the LFP solution; stars,
the points. Above a panel stands the largest difference of network and LFP solution. Of several seeds the first is
drawn.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from filterfreq.publishing.function_panels import first_seed, read_fit, rows_of, split_panels
from filterfreq.publishing.panels import grid_shape
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import BAD, TEXT_WIDTH, add_legend, new_figure, use_style

PRODUCT = Product(title="LFP on a curve", needs=["lfp_curve"], takes=["labels"], reads="fits", over="fit", note="")

_PANELS_IN_A_ROW = 2
_PANEL_HEIGHT = 2.1  # inches
_TITLE_WIDTH = 45
_GREY = "0.55"
_LINES = {
    "natural_spline": {"color": _GREY, "linestyle": (0, (4, 1.5)), "linewidth": 2.2, "label": "natural cubic spline"},
    "linear_spline": {"color": _GREY, "linestyle": (0, (1, 1)), "linewidth": 2.2, "label": "linear spline"},
    "network": {"color": "black", "linestyle": "-", "label": "network"},
    "lfp": {"color": BAD, "linestyle": (0, (5, 1.5, 1, 1.5)), "label": "LFP solution"},
}
_SPLINES = ("natural_spline", "linear_spline")
_STARS = {"linestyle": "none", "marker": "*", "markersize": 8, "color": "black", "markeredgecolor": "white"}


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit."""
    return read_fit(files, "lfp_curve")


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a panel for each network and variant.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no curves of these variants.
    """
    panels = split_panels(rows_of(results, "output", labels), labels, _TITLE_WIDTH)
    rows, columns = grid_shape(len(panels), _PANELS_IN_A_ROW)
    figure = new_figure(TEXT_WIDTH, 0.3 + _PANEL_HEIGHT * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    shown = set()
    for axes in grid.ravel()[len(panels) :]:
        axes.set_axis_off()
    for (title, outputs), axes in zip(panels, grid.ravel(), strict=False):
        gap = _draw_panel(axes, first_seed(outputs), shown)
        axes.set_title(f"{title}\nlargest difference of network and LFP: {gap:.2g}")
        axes.set_xlabel("x")
        axes.set_ylabel("y" if axes in grid[:, 0] else "")
    handles = [Line2D([], [], **line) for of, line in _LINES.items() if of in shown]
    add_legend(figure, {}, extra=[*handles, Line2D([], [], label="data", **_STARS)])
    return figure


def _draw_panel(axes: Axes, outputs: pd.DataFrame, shown: set[str]) -> float:
    """Draw the curves of one run, note which, and return the largest difference of network and LFP solution."""
    curves = {of: rows.set_index("x")["value"].sort_index() for of, rows in outputs.groupby("of")}
    spline = min(_SPLINES, key=lambda name: (curves[name] - curves["lfp"]).abs().max())
    for of in (spline, "network", "lfp"):
        line = {key: value for key, value in _LINES[of].items() if key != "label"}
        axes.plot(curves[of].index, curves[of], **line)
        shown.add(of)
    axes.plot(curves["data"].index, curves["data"], zorder=3, **_STARS)
    return (curves["network"] - curves["lfp"]).abs().max()
