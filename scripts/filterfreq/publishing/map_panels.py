"""How figures draw maps of frequencies."""

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

HEAT = sns.color_palette("mako", as_cmap=True)
"""The colours of such maps."""


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
