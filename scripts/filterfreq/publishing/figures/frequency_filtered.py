"""Accuracy on images of *{dataset}* of which only some frequencies are left.

They are test images, unless a panel says that they are training images. A low pass leaves the frequencies below a
radius, a high pass those from the radius on; with a non-strict mask those at the radius pass the low pass. Where they
are rescaled, each component is divided by its maximum. Lines are means over seeds, bands reach from the lowest to the
highest seed. Thin lines across are the accuracy on the same test images unfiltered.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from filterfreq.publishing.filtered_images import CONDITION, PASSES, add_conditions, condition_words, conditions_of
from filterfreq.publishing.measures import matching_clean_accuracies
from filterfreq.publishing.panels import scale_accuracies, seeds_and_images_note, shorten_title, tick_measured
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


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw accuracy on low-passed and high-passed images against the radius, one panel each, one row per model.

    Test and training images, either mask and either rescaling have rows of their own. A thin line across is each
    variant's accuracy on the same test images unfiltered, where it was measured.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of filtered images.
    """
    frame = select(results, labels, ["frequency_filtered"])
    frame = add_conditions(frame[frame["metric"] == "accuracy"])
    tested = frame[frame["split"] == "test"]
    unfiltered = matching_clean_accuracies(select(results, labels, ["clean", "frequency_filtered"]), tested)
    means = unfiltered.groupby(["model", "variant"], observed=True)["value"].mean()
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    panels = {kind: title for kind, title in PASSES.items() if (frame["pass"] == kind).any()}
    models = list(frame["model"].cat.categories)
    conditions = conditions_of(frame)
    rows = [(model, condition) for model in models for condition in conditions]
    figure = new_figure(COLUMN_WIDTH * len(panels), 0.3 + 1.7 * len(rows))
    grid = figure.subplots(len(rows), len(panels), sharey=True, sharex="col", squeeze=False)
    for (model, condition), row in zip(rows, grid, strict=True):
        of_row = (frame["model"] == model) & (frame[list(CONDITION)] == list(condition)).all(axis="columns")
        for kind, axes in zip(panels, row, strict=True):
            draw_lines(axes, frame[of_row & (frame["pass"] == kind)], "radius", "value", styles, markers=True)
            for name in styles:
                if (model, name) in means and condition[0] == "test":
                    line = _UNFILTERED | {"color": styles[name].colour, "linestyle": (0, styles[name].dashes)}
                    axes.axhline(means[model, name], **line)
            has_title = model == models[0] or len(conditions) > 1
            title = ", ".join([panels[kind], *condition_words(condition, conditions)]) if has_title else ""
            axes.set_title(shorten_title(title, axes))
            axes.set_xlabel("radius (cycles per image)" if axes in grid[-1] else "")
            tick_measured(axes, frame.loc[frame["pass"] == kind, "radius"].astype(float))
        row[0].set_ylabel(f"{model}\naccuracy (%)" if len(models) > 1 else "accuracy (%)")
        scale_accuracies(row[0])
    extra = [] if means.empty else [Line2D([], [], label="unfiltered images", **_UNFILTERED)]
    add_legend(figure, styles, extra=extra, note=seeds_and_images_note(frame))
    return figure
