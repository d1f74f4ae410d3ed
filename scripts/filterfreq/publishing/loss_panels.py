"""Losses against the iteration, as figures of fits draw them: logarithmic, the lowest one marked."""

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from filterfreq.publishing.style import VariantStyle, draw_lines

# Formulas, as matplotlib writes powers of ten, are not drawn in this project's figures.
_PLAIN = FuncFormatter(lambda value, _: f"{value:g}")
_DECADES = 2  # up to which a logarithmic axis has ticks between powers of ten


def draw_losses(axes: Axes, frame: pd.DataFrame, styles: dict[str, VariantStyle]) -> None:
    """Draw one line per variant: the mean over seeds, in a band from the lowest to the highest seed.

    Args:
        axes: where to draw.
        frame: a row for each variant, seed and iteration, with its value.
        styles: the variants.
    """
    draw_lines(axes, frame, "iteration", "value", styles, markers=False)
    positive = frame.loc[frame["value"] > 0, "value"]
    axes.set_yscale("log")
    few = len(positive) and math.log10(positive.max() / positive.min()) < _DECADES
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    axes.yaxis.set_major_formatter(_PLAIN)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=(1, 2, 5, 10)))
    axes.set(xlabel="", ylabel="")


def mark_lowest(axes: Axes, frame: pd.DataFrame, styles: Mapping[str, VariantStyle]) -> None:
    """Mark where the mean over seeds of each variant is lowest; arguments as of `draw_losses`."""
    for name, style in styles.items():
        means = frame[frame["variant"] == name].groupby("iteration")["value"].mean()
        if len(means):
            axes.plot(means.idxmin(), means.min(), style.marker, color=style.colour, mfc="white", zorder=5)
