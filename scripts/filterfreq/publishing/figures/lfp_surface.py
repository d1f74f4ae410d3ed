"""XOR learned by a wide two-layer ReLU network, and the solution of the linear frequency principle (LFP).

After Zhang et al. (arXiv 1905.10264, Figure 2 a to c). (a) the network after training, (b) the LFP solution of its
initial parameters, in the same colours from -1 to 1, with stars on the data; (c) one against the other at all points of
(a) and (b), with the identity line. Of several seeds the first is drawn.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from filterfreq.publishing.function_panels import first_seed, read_fit, rows_of, split_panels
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, use_style

PRODUCT = Product(title="LFP on a surface", needs=["lfp_surface"], takes=["labels"], reads="fits", over="fit", note="")

# Its lightness rises from end to end, so it reads in grey too.
_COLOURS = "mako"
_ROW_HEIGHT = 2.25  # inches
_TITLE_WIDTH = 22  # along the upright axis
_PANELS = {"network": "network", "lfp": "LFP solution"}


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit."""
    return read_fit(files, "lfp_surface")


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a row of three panels for each network and variant.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no surfaces of these variants.
    """
    rows = split_panels(rows_of(results, "output", labels), labels, _TITLE_WIDTH)
    figure = new_figure(TEXT_WIDTH, 0.2 + _ROW_HEIGHT * len(rows), images=True)
    grid = figure.subplots(len(rows), 3, squeeze=False)
    for number, ((title, outputs), (network, lfp, scatter)) in enumerate(zip(rows, grid, strict=True)):
        surfaces = dict(iter(first_seed(outputs).groupby("of")))
        for axes, of in ((network, "network"), (lfp, "lfp")):
            image = _draw_surface(axes, surfaces[of], surfaces["data"])
            axes.set_xlabel("x")
        network.set_ylabel(f"{title}\ny" if len(rows) > 1 else "y")
        figure.colorbar(image, ax=[network, lfp], label="output", shrink=0.8, aspect=15, ticks=[-1, -0.5, 0, 0.5, 1])
        _draw_scatter(scatter, surfaces)
        if number == 0:
            network.set_title("(a) network")
            lfp.set_title("(b) LFP solution")
            scatter.set_title("(c) point by point")
    return figure


def _draw_surface(axes: Axes, surface: pd.DataFrame, data: pd.DataFrame) -> QuadMesh:
    values = surface.pivot_table(index="y", columns="x", values="value")
    image = axes.pcolormesh(values.columns, values.index, values, vmin=-1, vmax=1, cmap=_COLOURS, rasterized=True)
    axes.plot(data["x"], data["y"], "*", color="white", markeredgecolor="black", markersize=9, clip_on=False, zorder=3)
    axes.grid(visible=False)
    axes.set_aspect("equal")
    return image


def _draw_scatter(axes: Axes, surfaces: dict[str, pd.DataFrame]) -> None:
    pairs = surfaces["network"].merge(surfaces["lfp"], on=["x", "y"], suffixes=("", "_lfp"))
    ends = [pairs[["value", "value_lfp"]].to_numpy().min(), pairs[["value", "value_lfp"]].to_numpy().max()]
    axes.plot(ends, ends, color="0.55", zorder=1)
    axes.plot(pairs["value"], pairs["value_lfp"], ".", color="black", markersize=2, zorder=2, rasterized=True)
    axes.set_aspect("equal")
    axes.set_xlabel("network")
    axes.set_ylabel("LFP solution")
