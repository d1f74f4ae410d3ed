"""Accuracy on test images of *{dataset}* with one Fourier basis vector added, against its norm in each channel.

On the left the one vector that makes most images wrong is added to all of them, on the right each image gets one that
makes it wrong, where there is such a vector. Lines are means over seeds, bands reach from the lowest to the highest
seed.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from filterfreq.publishing.panels import panel_grids, seeds_and_images_note, tick_measured
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import add_legend, draw_lines, use_style, variant_styles

PRODUCT = Product(title="Basis vectors as attack", needs=["fourier_attack"], takes=["labels", "style_numbers"])

_ATTACKS = {"universal_error": "one vector for all images", "fooled": "one vector for each image"}


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw accuracy under both forms of the attack against the norm, one row per model.

    Yin et al. (NeurIPS 2019), Figure 7 (c, d).

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of this attack.
    """
    frame = select(results, labels, ["fourier_attack"])
    frame = frame.assign(accuracy=1 - frame["value"])
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    models = list(frame["model"].cat.categories)
    figure, grids = panel_grids(models, [len(_ATTACKS)])
    for model, grid in zip(models, grids, strict=True):
        for (metric, title), axes in zip(_ATTACKS.items(), grid, strict=True):
            rows = frame[(frame["model"] == model) & (frame["metric"] == metric)]
            draw_lines(axes, rows, "l2_norm", "accuracy", styles, markers=True)
            axes.set_title(title if model == models[0] else "")
            tick_measured(axes, frame["l2_norm"].astype(float))
            axes.set_xlabel("norm of the vector in each channel" if model == models[-1] else "")
    add_legend(figure, styles, note=seeds_and_images_note(frame))
    return figure
