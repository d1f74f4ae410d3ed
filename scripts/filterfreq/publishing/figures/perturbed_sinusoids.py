"""What is left of each learned sinusoid where parameters change at random (Rahaman et al., ICML 2019, Figure 3).

The mean amplitude of each frequency over random directions of one L2 norm, relative to that of the trained network;
larger values than 1 are shown as 1. Means over seeds, each with phases and a network of its own.
"""

import pandas as pd
from matplotlib.figure import Figure

from filterfreq.publishing.fit_panels import draw_frequency_map, means_note, variant_panels
from filterfreq.publishing.fit_rows import read_fit, rows_of_variants
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import use_style

PRODUCT = Product(
    title="Robustness to perturbed parameters",
    needs=["perturbed_sinusoids"],
    takes=["labels"],
    reads="fits",
    over="fit",
    note="",
)

read = read_fit


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a heat map over frequency and norm for each network (rows) and variant (columns).

    Args:
        results: what `read` returns.
        labels: of the variants, in order.

    Raises:
        InputError: there are no amplitudes of these variants.
    """
    rows = rows_of_variants(results, "kept_amplitude", labels, "amplitudes")
    figure, panels = variant_panels(rows, labels)
    for axes, cells in panels:
        image = draw_frequency_map(axes, cells, "norm")
        axes.set_ylabel("norm of the change" if axes.get_subplotspec().is_first_col() else "")
    height = figure.axes[0].get_subplotspec().get_gridspec().nrows
    figure.colorbar(image, ax=figure.axes, label=f"amplitude that is left{means_note(rows)}", aspect=20 * height)
    return figure
