"""How much of each sinusoid a network has learned, against the iteration (Rahaman et al., ICML 2019, Figure 1).

The amplitude of each frequency in what the network has learned, as a fraction of that in the target: 0 where it is not
learned, 1 where it is; larger values are shown as 1. Means over seeds, each with phases and a network of its own. On a
curve in the plane with L petals it is Figure 8.
"""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from filterfreq.publishing.fit_panels import draw_frequency_map, means_note, variant_panels
from filterfreq.publishing.fit_rows import read_fit, rows_of_variants
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import use_style

PRODUCT = Product(title="Sums of sinusoids", needs=["sinusoids"], takes=["labels"], reads="fits", over="fit", note="")

read = read_fit


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a heat map over frequency and iteration for each network (rows) and variant (columns).

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no amplitudes of these variants.
    """
    rows = rows_of_variants(results, "normalised_amplitude", labels, "amplitudes")
    figure, panels = variant_panels(rows, labels)
    for axes, cells in panels:
        image = draw_frequency_map(axes, cells, "iteration")
        axes.set_ylabel("iteration" if axes.get_subplotspec().is_first_col() else "")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    height = figure.axes[0].get_subplotspec().get_gridspec().nrows
    figure.colorbar(image, ax=figure.axes, label=f"normalised amplitude{means_note(rows)}", aspect=20 * height)
    return figure
