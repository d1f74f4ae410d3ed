"""Accuracy on test images of *{dataset}* of which only some frequencies are left.

A low pass leaves the frequencies below a radius, a high pass those from the radius on. Lines are means over seeds,
bands reach from the lowest to the highest seed. Thin lines across are the accuracy on the same images unfiltered.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from filterfreq.publishing.measures import matching_clean_accuracies
from filterfreq.publishing.panels import scale_accuracies, seeds_and_images_note, tick_measured
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import (
    COLUMN_WIDTH,
    add_legend,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
)

PRODUCT = Product(
    title="Low and high frequencies", needs=["frequency_filtered"], adds=["clean"], takes=["labels", "style_numbers"]
)

_UNFILTERED = {"color": "0.4", "linewidth": 0.7}
_PASSES = {"low": "low pass", "high": "high pass"}


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw accuracy on low-passed and high-passed images against the radius, one panel each, one row per model.

    A thin line across is each variant's accuracy on the same images unfiltered, where it was measured.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of filtered images.
    """
    frame = select(results, labels, ["frequency_filtered"])
    unfiltered = matching_clean_accuracies(select(results, labels, ["clean", "frequency_filtered"]), frame)
    means = unfiltered.groupby(["model", "variant"], observed=True)["value"].mean()
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    panels = {kind: title for kind, title in _PASSES.items() if (frame["pass"] == kind).any()}
    models = list(frame["model"].cat.categories)
    figure = new_figure(COLUMN_WIDTH * len(panels), 0.3 + 1.7 * len(models))
    grid = figure.subplots(len(models), len(panels), sharey=True, sharex="col", squeeze=False)
    for model, row in zip(models, grid, strict=True):
        for kind, axes in zip(panels, row, strict=True):
            shown = frame[(frame["model"] == model) & (frame["pass"] == kind)]
            draw_lines(axes, shown, "radius", "value", styles, markers=True)
            for name in styles:
                if (model, name) in means:
                    line = _UNFILTERED | {"color": styles[name].colour, "linestyle": (0, styles[name].dashes)}
                    axes.axhline(means[model, name], **line)
            axes.set_title(panels[kind] if model == models[0] else "")
            axes.set_xlabel("radius (cycles per image)" if model == models[-1] else "")
            tick_measured(axes, frame.loc[frame["pass"] == kind, "radius"].astype(float))
        row[0].set_ylabel(f"{model}\naccuracy (%)" if len(models) > 1 else "accuracy (%)")
        scale_accuracies(row[0])
    extra = [] if means.empty else [Line2D([], [], label="unfiltered images", **_UNFILTERED)]
    add_legend(figure, styles, extra=extra, note=seeds_and_images_note(frame))
    return figure
