"""The error of networks that learn a sum of sinusoids, against the iteration (Rahaman et al., ICML 2019, Figure 8).

The mean squared error over all points; in the paper on curves of several L. Lines are means over seeds, bands reach
from the lowest to the highest seed.
"""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from filterfreq.publishing.fit_rows import read_fit, rows_of_variants
from filterfreq.publishing.panels import grid_shape, seeds_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import (
    COLUMN_WIDTH,
    TEXT_WIDTH,
    add_legend,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
)

PRODUCT = Product(title="Losses of fits", needs=["sinusoids"], takes=["labels"], reads="fits", over="fit", note="")

_PANELS_IN_A_ROW = 3
# Formulas, as matplotlib writes powers of ten, are not drawn in this project's figures.
_PLAIN = FuncFormatter(lambda value, _: f"{value:g}")

read = read_fit


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a line for each variant, in a panel for each network.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no losses of these variants.
    """
    frame = pd.concat(rows_of_variants(results, "loss", labels, "losses").values())
    networks = list(frame["model"].unique())
    styles = variant_styles({variant: label for variant, label in labels.items() if variant in set(frame["variant"])})
    height, columns = grid_shape(len(networks), _PANELS_IN_A_ROW)
    figure = new_figure(COLUMN_WIDTH if columns == 1 else TEXT_WIDTH, 0.3 + 2 * height)
    grid = figure.subplots(height, columns, sharey=True, squeeze=False)
    for axes in grid.ravel()[len(networks) :]:
        axes.set_axis_off()
    for network, axes in zip(networks, grid.ravel(), strict=False):
        draw_lines(axes, frame[frame["model"] == network], "iteration", "value", styles, markers=False)
        axes.set(xlabel="iteration", ylabel="mean squared error" if axes in grid[:, 0] else "", yscale="log")
        axes.yaxis.set_major_formatter(_PLAIN)
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_title(network if len(networks) > 1 else "")
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    add_legend(figure, styles, markers=False, note=seeds_note(frame))
    return figure
