"""Accuracy on test images of *{dataset}* with Gaussian noise of some frequencies alone, against the bandwidth.

The noise has what a filter leaves of white noise: the low pass a square of frequencies round 0, the high pass one round
the highest frequency, or, as the complement of a low pass, all outside of its square. The bandwidth is the square's
side, and 0 is no noise; the norm is the L2 norm of each channel of the noise. Lines are means over seeds, bands reach
from the lowest to the highest seed.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from filterfreq.publishing.bands import BAND_LABELS, BANDWIDTH_LABEL
from filterfreq.publishing.panels import images_of_panels, panel_grids, seeds_note, shorten_title, tick_measured
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import add_legend, draw_lines, use_style, variant_styles

PRODUCT = Product(title="Noise of some frequencies", needs=["band_noise"], takes=["labels", "style_numbers"])


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw accuracy against the bandwidth, one panel for each filter.

    Yin et al. (NeurIPS 2019), Figure 5.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of such noise.
    """
    frame = select(results, labels, ["band_noise"])
    frame = frame[frame["metric"] == "accuracy"]
    # Of a complement the smallest bandwidth has the most noise, so that none at all does not belong to its line.
    frame = frame[(frame["band"] != "complement") | (frame["bandwidth"].astype(float) > 0)]
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    kinds = [kind for kind in BAND_LABELS if (frame["band"] == kind).any()]
    panels = [(kind, norm) for kind in kinds for norm in sorted(frame.loc[frame["band"] == kind, "l2_norm"].unique())]
    models = list(frame["model"].cat.categories)
    figure, grids = panel_grids(models, [len(panels)])
    shown = {panel: frame[(frame["band"] == panel[0]) & (frame["l2_norm"] == panel[1])] for panel in panels}
    endings, note = images_of_panels({panel: rows["n"] for panel, rows in shown.items()})
    for model, grid in zip(models, grids, strict=True):
        for panel, axes in zip(panels, grid, strict=True):
            rows = shown[panel][shown[panel]["model"] == model]
            draw_lines(axes, rows, "bandwidth", "value", styles, markers=True)
            kind, norm = panel
            title = shorten_title(f"{BAND_LABELS[kind]}, norm {norm:g}", axes) + endings[panel]
            axes.set_title(title if model == models[0] else "")
            tick_measured(axes, frame["bandwidth"].astype(float))
            axes.set_xlabel(BANDWIDTH_LABEL if model == models[-1] else "")
    add_legend(figure, styles, note=seeds_note(frame) + note)
    return figure
