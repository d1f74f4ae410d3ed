"""What figures of fits share: a panel for each network and variant, and maps over frequencies."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from filterfreq.publishing.panels import grid_shape
from filterfreq.publishing.phrases import is_one_seed, seeds_phrase
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, wrap_text

# Its lightness falls from end to end, so it reads in grey too.
COLOURS = "mako_r"
_PANELS_IN_A_ROW = 3
_PANEL_HEIGHT = 1.7  # inches
_TITLE_WIDTH, _TITLE_LINES = 30, 3
_MOST_TICKS = 10

Rows = Mapping[tuple[str, str], pd.DataFrame]
Panel = tuple[Axes, pd.DataFrame]


def panel_title(key: tuple[str, str], keys: Iterable[tuple[str, str]], labels: Mapping[str, str]) -> str:
    """Return what a panel of a network and variant is called: its variant alone where there is one network."""
    network, variant = key
    return labels[variant] if len({other for other, _ in keys}) == 1 else f"{network}, {labels[variant]}"


def variant_panels(rows: Rows, labels: Mapping[str, str]) -> tuple[Figure, list[Panel]]:
    """Return a figure with a titled panel for each network and variant, and each panel with its rows.

    Args:
        rows: what `rows_of_variants` returns.
        labels: of the variants.
    """
    _, columns = grid_shape(len({variant for _, variant in rows}), _PANELS_IN_A_ROW)
    height = -(-len(rows) // columns)
    figure = new_figure(TEXT_WIDTH, 0.3 + _PANEL_HEIGHT * height)
    grid = figure.subplots(height, columns, squeeze=False)
    for axes in grid.ravel()[len(rows) :]:
        axes.set_axis_off()
    panels = list(zip(grid.ravel(), rows.values(), strict=False))
    for key, (axes, _) in zip(rows, panels, strict=True):
        axes.set_title(wrap_text(panel_title(key, rows, labels), _TITLE_WIDTH, _TITLE_LINES))
    return figure, panels


def means_note(rows: Rows) -> str:
    """Return what a label ends with where several seeds are shown as their mean, else nothing."""
    seeds = [frame["seed"].nunique() for frame in rows.values()]
    return "" if is_one_seed(seeds) else f",\nmean of {seeds_phrase(seeds)}"


def draw_frequency_map(axes: Axes, rows: pd.DataFrame, along: str) -> QuadMesh:
    """Draw means over seeds as a map, colours from 0 to 1: a column for each frequency, upright what it changes with.

    Args:
        axes: where to draw.
        rows: with columns frequency, value, and that of `along`.
        along: the column that goes up.
    """
    means = rows.pivot_table(index=along, columns="frequency", values="value", aggfunc="mean")
    positions = np.arange(len(means.columns))
    # A map of a thousand rows as vectors would be a file of megabytes.
    image = axes.pcolormesh(
        positions, means.index.to_numpy(float), means, vmin=0, vmax=1, cmap=COLOURS, rasterized=True
    )
    axes.grid(visible=False)
    step = -(-len(positions) // _MOST_TICKS)
    axes.set_xticks(positions[::step], [str(frequency) for frequency in means.columns[::step]])
    axes.set_xlabel("frequency (cycles per period)")
    return image
