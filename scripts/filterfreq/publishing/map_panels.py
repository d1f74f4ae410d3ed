"""How figures draw maps of frequencies."""

from collections.abc import Iterable, Sequence

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import SubFigure

from filterfreq.publishing.style import wrap_text

HEAT = sns.color_palette("mako", as_cmap=True)
"""The colours of such maps."""


_LINES = 4  # of each part of a title
_CHARACTER = 0.068  # inches of one of a title's


def map_titles(parts: Iterable[Sequence[str]], width: float) -> list[str]:
    """Return the titles of maps that have so many inches each: the parts below each other, broken at words."""
    return ["\n".join(wrap_text(part, int(width / _CHARACTER), _LINES) for part in title) for title in parts]


def draw_map(axes: Axes, table: pd.DataFrame, scale: Normalize) -> None:
    """Draw a map with the frequency 0 in the centre, in cycles per image.

    Args:
        axes: where to draw.
        table: what `filterfreq.publishing.heat_maps.whole_map` returns.
        scale: of the colours.
    """
    ends = (table.columns[0] - 0.5, table.columns[-1] + 0.5, table.index[-1] + 0.5, table.index[0] - 0.5)
    axes.imshow(table, cmap=HEAT, norm=scale, extent=ends, interpolation="none")
    axes.grid(visible=False)
    highest = table.index[-1]
    axes.set_xticks([-highest, 0, highest])
    axes.set_yticks([-highest, 0, highest])


def label_outside(cells: Sequence[Axes], columns: int) -> None:
    """Number the frequencies of maps that stand in rows only at the left and below the lowest one of each column."""
    for number, axes in enumerate(cells):
        axes.tick_params(labelleft=number % columns == 0, labelbottom=number + columns >= len(cells))


def add_scale(figure: SubFigure, grid: Sequence[Axes], rows: int, scale: Normalize, label: str, **bar: object) -> None:
    """Put the colour scale of maps at their right.

    Args:
        figure: that of the maps.
        grid: the maps, and what else stands in their rows.
        rows: how many rows these are.
        scale: of the colours.
        label: what they are.
        bar: further arguments of matplotlib's `colorbar`.
    """
    added = figure.colorbar(ScalarMappable(scale, HEAT), ax=grid, aspect=12 * rows, pad=0.02, **bar)
    added.set_label(label)
    added.outline.set_visible(False)
