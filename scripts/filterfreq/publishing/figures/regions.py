"""ReLU units whose sign changes on the straight way from test images of *{dataset}* to another point.

The end is an adversarial example of PGD, which starts at the image, or a point equally far away in L₂ in a random
direction. Each such unit has its hyperplane across the way. A value is the mean over images of their share of all ReLU
units of the network. Markers are means over seeds, bands reach from the lowest to the highest seed.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from filterfreq.publishing.attacks import attack_label
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.panels import seeds_and_images_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import (
    COLUMN_WIDTH,
    PERCENT,
    TEXT_WIDTH,
    add_legend,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
)

PRODUCT = Product(title="Regions crossed", needs=["regions"], takes=["labels", "style_numbers"])

_PATHS = {"random": "random\ndirection", "attack": "adversarial\nexample"}


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw the shares of both ways, one panel for each model.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of regions.
    """
    frame = select(results, labels, ["regions"])
    frame = frame[frame["metric"] == "crossed_units"]
    frame = frame.assign(way=frame["path"].map(list(_PATHS).index))
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    models = list(frame["model"].cat.categories)
    columns = min(len(models), 3)
    rows = -(-len(models) // columns)
    figure = new_figure(COLUMN_WIDTH if columns == 1 else TEXT_WIDTH, 0.4 + 2.0 * rows)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for model, axes in zip(models, grid.ravel(), strict=False):
        draw_lines(axes, frame[frame["model"] == model], "way", "value", styles, markers=True)
        axes.set_title(model if len(models) > 1 else "")
        axes.set(xlabel="", ylabel="")
        axes.set_xlim(-0.3, len(_PATHS) - 0.7)
        axes.set_xticks(range(len(_PATHS)), list(_PATHS.values()))
    for axes in grid.ravel()[len(models) :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set_ylabel("units crossed (%)")
        row[0].set_ylim(bottom=0)
        row[0].yaxis.set_major_formatter(PERCENT)
    attack = frame.iloc[0]
    what = f"{attack_label(attack['attack'])}, {norm_label(attack['norm'])}, ε = {attack['epsilon']}"
    add_legend(figure, styles, note=f"{what}; {seeds_and_images_note(frame)}")
    return figure
