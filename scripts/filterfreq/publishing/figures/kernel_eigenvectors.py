"""Eigenvectors of a Gaussian kernel on a line, and their Fourier transforms (Rahaman et al., 2019, Figures 6, 12).

Left the modulus of the transform of each eigenvector, by falling eigenvalue. Below the dotted line the eigenvalues are
under 1e-12 of the first one: there, rounding has mixed the eigenvectors. Right the first eigenvector and the last one
above that line, and their transforms.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from filterfreq.evaluation.reading import read_results
from filterfreq.fits.registry import FITS
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, use_style, wrap_text
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Eigenvectors of a Gaussian kernel",
    needs=["kernel_eigenvectors"],
    takes=["labels"],
    reads="fits",
    over="fit",
    note="",
)

ROUNDED = 1e-12
"""Of the largest eigenvalue: eigenvectors of smaller ones are not known in double precision."""

_COLOURS = "mako_r"
_FIRST, _LAST = "black", "#D1325B"
_ROW_HEIGHT = 2.5  # inches
_TITLE_WIDTH, _TITLE_LINES = 40, 2


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit.

    Raises:
        InputError: see `filterfreq.evaluation.reading.read_results`.
    """
    return read_results(files, suite="kernel_eigenvectors", known=FITS)


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw the map of transforms, and two eigenvectors, a row for each variant.

    Args:
        results: what `read` returns; nothing in it is drawn, so of several seeds the first is shown.
        labels: of the variants, in order.

    Raises:
        InputError: there are no eigenvectors of these variants.
    """
    frame = results[results["variant"].isin(list(labels)) & (results["seed"] == results["seed"].min())]
    if frame.empty:
        raise InputError(f"there are no eigenvectors of the variants {', '.join(labels)}: run the fit")
    shown = [name for name in labels if name in set(frame["variant"])]
    figure = new_figure(TEXT_WIDTH, _ROW_HEIGHT * len(shown))
    grid = figure.add_gridspec(2 * len(shown), 3, width_ratios=(1.3, 1, 1))
    for number, name in enumerate(shown):
        rows = frame[frame["variant"] == name]
        left = figure.add_subplot(grid[2 * number : 2 * number + 2, 0])
        left.set_title(wrap_text(labels[name], _TITLE_WIDTH, _TITLE_LINES) if len(shown) > 1 else "")
        shares = rows[rows["metric"] == "eigenvalue_share"].set_index("eigenvector")["value"].sort_index()
        last = int(shares.index[shares > ROUNDED][-1])
        _draw_map(figure, left, rows, last)
        for turn, (eigenvector, colour) in enumerate(((0, _FIRST), (last, _LAST))):
            cells = [figure.add_subplot(grid[2 * number + turn, column]) for column in (1, 2)]
            _draw_eigenvector(cells, rows[rows["eigenvector"] == eigenvector], colour)
            cells[0].set_title(f"eigenvector {eigenvector}")
            cells[1].set_title("its transform")
            if turn:
                cells[0].set_xlabel("x")
                cells[1].set_xlabel("frequency (cycles)")
    return figure


def _draw_map(figure: Figure, axes: Axes, frame: pd.DataFrame, last: int) -> None:
    """Draw the moduli, a row for each eigenvector from the top, and the line below which they are not known."""
    cells = frame[frame["metric"] == "transform"]
    table = cells.pivot_table(index="eigenvector", columns="frequency", values="value")
    x, y = (values.to_numpy(float) for values in (table.columns, table.index))
    image = axes.pcolormesh(x, y, table, cmap=_COLOURS, vmin=0, rasterized=True)
    axes.grid(visible=False)
    if last < y[-1]:
        axes.axhline(last + 0.5, color=_LAST, linestyle=":")
    axes.invert_yaxis()
    axes.set(xlabel="frequency (cycles)", ylabel="eigenvector, by falling eigenvalue")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True))
    figure.colorbar(image, ax=axes, label="modulus of the transform", location="left", aspect=30)


def _draw_eigenvector(cells: list[Axes], frame: pd.DataFrame, colour: str) -> None:
    """Draw one eigenvector over the points, and the modulus of its transform over frequencies."""
    values = frame[frame["metric"] == "component"].sort_values("point")
    points = values["point"].to_numpy(float)
    cells[0].plot(points / points.max(), values["value"], color=colour)
    sizes = frame[frame["metric"] == "transform"].sort_values("frequency")
    cells[1].plot(sizes["frequency"].to_numpy(float), sizes["value"], color=colour)
    cells[1].set_ylim(bottom=0)
    cells[1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
