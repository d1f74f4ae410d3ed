"""A gradient flow on the circle at several times, and its target, after E, Ma, Wu (arXiv 1912.12777, Figures 5, 6).

Solid, the function on a grid, simulated with the kernel as a matrix; dashed, the target; dots, particles where they
were simulated. Above a panel stands which part of each sine of the target is not learned yet, from the lowest frequency
to the highest.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from filterfreq.publishing.function_panels import first_seed, read_fit, rows_of, split_panels
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import BAD, SMALL_FONT, TEXT_WIDTH, add_legend, new_figure, use_style

PRODUCT = Product(title="Kernel flow", needs=["kernel_flow"], takes=["labels"], reads="fits", over="fit", note="")

_ROW_HEIGHT = 1.6  # inches
_TITLE_WIDTH = 20
_DOTS_SHOWN = 64
_LINES = {
    "dense": {"color": "black", "label": "function"},
    "particles": {"color": "black", "marker": ".", "linestyle": "none", "markersize": 4, "label": "particles"},
    "target": {"color": BAD, "linestyle": (0, (4, 1.5)), "label": "target"},
}


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit."""
    return read_fit(files, "kernel_flow")


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a row for each variant, with a panel for each time.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there is no flow of these variants.
    """
    rows_of(results, "flow", labels)
    rows = split_panels(results, labels, _TITLE_WIDTH)
    columns = max(shown["time"].nunique() for _, shown in rows)
    figure = new_figure(TEXT_WIDTH, 0.3 + _ROW_HEIGHT * len(rows))
    grid = figure.subplots(len(rows), columns, squeeze=False, sharex=True, sharey="row")
    drawn: set[str] = set()
    for (title, shown), line in zip(rows, grid, strict=True):
        of_one = first_seed(shown)
        for axes in line[of_one["time"].nunique() :]:
            axes.set_axis_off()
        for time, axes in zip(sorted(of_one["time"].dropna().unique()), line, strict=False):
            drawn |= _draw_panel(axes, of_one, time)
        line[0].set_ylabel(f"{title}\nf(x)")
    for axes in grid[-1]:
        axes.set_xticks([0, np.pi, 2 * np.pi], ["0", "π", "2π"])
        axes.set_xlabel("x")
    handles = [Line2D([], [], **line) for of, line in _LINES.items() if of in drawn]
    note = "above: the part of each sine of the target that is not learned, by rising frequency"
    add_legend(figure, {}, extra=handles, note=note)
    return figure


def _draw_panel(axes: Axes, results: pd.DataFrame, time: float) -> set[str]:
    """Draw the functions at one time, and return what was drawn."""
    at_time = results[results["time"] == time]
    flows = at_time[at_time["metric"] == "flow"]
    curves = {of: rows.set_index("x")["value"].sort_index() for of, rows in flows.groupby("of")}
    curves["target"] = results[results["metric"] == "flow_target"].set_index("x")["value"].sort_index()
    for of, look in _LINES.items():
        if of in curves:
            step = max(1, len(curves[of]) // _DOTS_SHOWN) if of == "particles" else 1
            axes.plot(curves[of][::step], **{key: value for key, value in look.items() if key != "label"})
    left = at_time[(at_time["metric"] == "flow_residual") & (at_time["of"] == "dense")].sort_values("frequency")
    axes.set_title(f"t = {time:g}\n" + ", ".join(f"{value:.2f}" for value in left["value"]), fontsize=SMALL_FONT)
    return curves.keys() & _LINES.keys()
