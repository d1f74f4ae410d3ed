"""The spectral norms of layers while a network learns a sum of sinusoids (Rahaman et al., ICML 2019, Figure 1).

The norm of a layer is the largest singular value of its weights. Lines are means over seeds, bands one standard
deviation of the seeds to either side.
"""

import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from filterfreq.publishing.fit_panels import COLOURS, variant_panels
from filterfreq.publishing.fit_rows import read_fit, rows_of_variants
from filterfreq.publishing.phrases import is_one_seed, seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import add_legend, use_style

PRODUCT = Product(
    title="Spectral norms of layers in fits", needs=["sinusoids"], takes=["labels"], reads="fits", over="fit", note=""
)

read = read_fit


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a line for each layer against the iteration, in a panel for each network (rows) and variant (columns).

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no norms of these variants.
    """
    rows = rows_of_variants(results, "spectral_norm", labels, "spectral norms")
    figure, panels = variant_panels(rows, labels)
    layers = sorted({int(layer) for frame in rows.values() for layer in frame["layer"].unique()})
    shades = colormaps[COLOURS]
    colours = {layer: shades(0.15 + 0.8 * number / max(1, len(layers) - 1)) for number, layer in enumerate(layers)}
    for axes, cells in panels:
        for layer, of_layer in cells.groupby("layer"):
            values = of_layer.groupby("iteration")["value"]
            mean, deviation = values.mean(), values.std().fillna(0)
            axes.plot(mean.index, mean, color=colours[int(layer)])
            axes.fill_between(
                mean.index, mean - deviation, mean + deviation, color=colours[int(layer)], alpha=0.2, lw=0
            )
        axes.set(xlabel="iteration", ylabel="spectral norm" if axes.get_subplotspec().is_first_col() else "")
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    entries = [Line2D([], [], color=colour, label=f"layer {layer}") for layer, colour in colours.items()]
    seeds = [frame["seed"].nunique() for frame in rows.values()]
    note = seeds_phrase(seeds)
    note = note if is_one_seed(seeds) else f"lines: mean, bands: one standard deviation of {note}"
    add_legend(figure, {}, extra=entries, note=note)
    return figure
