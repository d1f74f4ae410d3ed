"""How far a two-layer ReLU network is from the solution of the linear frequency principle (LFP), by its width.

After Zhang et al. (arXiv 1905.10264, Figure 2 d). L1 is the mean of the absolute difference over the test points, L2
the root of the mean square; means over seeds, with the range of the seeds. Dashed, the difference to the limit of the
LFP solution for an infinite period. The slope is that of a line through the widths before the floor: those whose L2
difference to the LFP solution is more than 1.5 times the smallest.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from filterfreq.publishing.function_panels import read_fit, rows_of, scale_decades, split_panels
from filterfreq.publishing.panels import grid_shape
from filterfreq.publishing.phrases import seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import BAD, COLUMN_WIDTH, TEXT_WIDTH, add_legend, new_figure, use_style

PRODUCT = Product(title="LFP and width", needs=["lfp_width"], takes=["labels"], reads="fits", over="fit", note="")

_PANELS_IN_A_ROW = 2
_PANEL_HEIGHT = 2.4  # inches
_TITLE_WIDTH = 45
_FLOOR = 1.5
_FEWEST_POINTS = 3
_MEASURES = {"L1": {"color": "black", "marker": "o"}, "L2": {"color": BAD, "marker": "s"}}
_TO = {"lfp": {"linestyle": "-"}, "closed_form": {"linestyle": (0, (4, 1.5))}}


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit."""
    return read_fit(files, "lfp_width")


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a panel for each variant, with all networks on its axis of widths.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no differences of these variants.
    """
    differences = rows_of(results, "function_difference", labels).query("of == 'network'").assign(model="")
    panels = split_panels(differences, labels, _TITLE_WIDTH)
    rows, columns = grid_shape(len(panels), _PANELS_IN_A_ROW)
    figure = new_figure(TEXT_WIDTH if columns > 1 else COLUMN_WIDTH, 0.3 + _PANEL_HEIGHT * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in grid.ravel()[len(panels) :]:
        axes.set_axis_off()
    for (title, shown), axes in zip(panels, grid.ravel(), strict=False):
        slope = _draw_panel(axes, shown)
        axes.set_title(title if slope is None else f"{title}\nslope of L2 before the floor: {slope:.2f}")
        axes.set_ylabel("difference" if axes in grid[:, 0] else "")
    handles = [
        Line2D([], [], label=f"{measure} to {said}", **look, **_TO[to])
        for to, said in (("lfp", "LFP"), ("closed_form", "its limit"))
        for measure, look in _MEASURES.items()
    ]
    seeds = differences.groupby(["variant", "width"])["seed"].nunique()
    add_legend(figure, {}, extra=handles, note=f"mean and range of {seeds_phrase(seeds)}")
    return figure


def _draw_panel(axes: Axes, shown: pd.DataFrame) -> float | None:
    """Draw the differences against the width, and return the slope of L2 to LFP before the floor, if it has one."""
    for to, dashes in _TO.items():
        for measure, look in _MEASURES.items():
            widths = shown[(shown["to"] == to) & (shown["measure"] == measure)].groupby("width")["value"]
            means = widths.mean()
            places = means.index.to_numpy(float)
            axes.plot(places, means, markeredgecolor="white", **look, **dashes)
            if to == "lfp":
                axes.fill_between(places, widths.min(), widths.max(), color=look["color"], alpha=0.15, linewidth=0)
    axes.set_xscale("log")
    scale_decades(axes)
    ticks = sorted(shown["width"].astype(int).unique())
    axes.set_xticks(ticks, [f"{width:,}" for width in ticks], rotation=45 if len(ticks) > 4 else 0)
    axes.minorticks_off()
    axes.margins(x=0.08)
    axes.set_xlabel("neurons")
    means = shown.query("to == 'lfp' and measure == 'L2'").groupby("width")["value"].mean()
    before = means[means > _FLOOR * means.min()]
    if len(before) < _FEWEST_POINTS:
        return None
    return float(np.polyfit(np.log(before.index.to_numpy(float)), np.log(before), 1)[0])
