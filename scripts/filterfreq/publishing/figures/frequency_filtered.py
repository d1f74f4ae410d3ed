"""Accuracy on test images of *{dataset}* of which only some frequencies are left.

On the left these are the frequencies below a radius, on the right those from the radius on. Lines are means over seeds,
bands reach from the lowest to the highest seed.
"""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from filterfreq.publishing.panels import seeds_and_images_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import (
    COLUMN_WIDTH,
    PERCENT,
    add_legend,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
)

PRODUCT = Product(title="Low and high frequencies", needs=["frequency_filtered"], takes=["labels"])

_PASSES = {"low": "low frequencies kept", "high": "high frequencies kept"}


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw accuracy on low-passed and high-passed images against the radius, one panel each, one row per model.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of filtered images.
    """
    frame = select(results, labels, ["frequency_filtered"])
    styles = variant_styles(present_variants(frame, labels))
    panels = {kind: title for kind, title in _PASSES.items() if (frame["pass"] == kind).any()}
    models = list(frame["model"].cat.categories)
    figure = new_figure(COLUMN_WIDTH * len(panels), 0.3 + 1.7 * len(models))
    grid = figure.subplots(len(models), len(panels), sharey=True, sharex="col", squeeze=False)
    for model, row in zip(models, grid, strict=True):
        for kind, axes in zip(panels, row, strict=True):
            shown = frame[(frame["model"] == model) & (frame["pass"] == kind)]
            draw_lines(axes, shown, "radius", "value", styles, markers=True)
            axes.set_title(panels[kind] if model == models[0] else "")
            axes.set_xlabel("radius (cycles per image)" if model == models[-1] else "")
            axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        row[0].set_ylabel(f"{model}\naccuracy (%)" if len(models) > 1 else "accuracy (%)")
        row[0].set_ylim(-0.03, 1.04)
        row[0].yaxis.set_major_formatter(PERCENT)
    add_legend(figure, styles, note=seeds_and_images_note(frame))
    return figure
