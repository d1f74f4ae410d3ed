"""What figures show of a function's spectrum and of how well its frequencies are learned."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Normalize
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from filterfreq.publishing.map_panels import HEAT

ERRORS = Normalize(0.1, 1)
"""Of the colours of relative errors, as in the script of Xu et al.; what is beyond is shown as its ends."""
ERROR_TICKS = (0.1, 0.4, 0.7, 1)
"""Of their colour bar."""


PLAIN = FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
"""Writes the ticks of logarithmic axes as numbers."""


def draw_spectrum(axes: Axes, magnitudes: pd.Series, marked: Collection[int]) -> None:
    """Draw the magnitudes of a spectrum, with those frequencies as black squares whose errors are shown.

    Args:
        axes: where to draw.
        magnitudes: by frequency, ascending.
        marked: some of these frequencies.
    """
    axes.plot(magnitudes.index.to_numpy(float), magnitudes, color="0.45")
    squares = magnitudes[magnitudes.index.isin(list(marked))]
    axes.plot(squares.index.to_numpy(float), squares, "s", color="black", markeredgecolor="white", clip_on=False)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_ylim(bottom=0)
    axes.set(xlabel="frequency", ylabel="|target|")


def draw_errors(axes: Axes, errors: pd.DataFrame, xlabel: str) -> QuadMesh:
    """Draw relative errors as a map, a row for each frequency, over a logarithmic axis.

    Args:
        axes: where to draw.
        errors: a row for each frequency, and a column for each number of iterations or sweeps, above 0; both ascending.
        xlabel: what these are.
    """
    columns = errors.columns.to_numpy(float)
    rows = np.arange(len(errors))
    # Cells meet in the middle of two records, on the axis.
    logs = np.log(columns)
    steps = np.diff(logs) if len(logs) > 1 else np.ones(1)
    edges = np.exp(np.concatenate([[logs[0] - steps[0] / 2], (logs[1:] + logs[:-1]) / 2, [logs[-1] + steps[-1] / 2]]))
    image = axes.pcolormesh(
        edges,
        np.append(rows - 0.5, len(rows) - 0.5),
        errors,
        norm=ERRORS,
        cmap=HEAT,
        rasterized=True,
    )
    axes.grid(visible=False)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=5))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(PLAIN)
    axes.set_yticks(rows, [str(frequency) for frequency in errors.index])
    axes.set(xlabel=xlabel, ylabel="frequency")
    return image
