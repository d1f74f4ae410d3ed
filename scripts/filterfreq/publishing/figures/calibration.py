"""Expected calibration error (Guo et al. 2017) against the severity of corruption.

It is the mean over the 15 common corruptions; severity 0 is the same images before them. Lines are means over seeds,
bands reach from the lowest to the highest seed.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from filterfreq.publishing.calibration_errors import calibration_errors
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

PRODUCT = Product(title="Calibration", needs=["corruption"], adds=["clean"], takes=["labels", "style_numbers"])


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw the expected calibration error against the severity of the common corruptions, 0 being clean images.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of calibration.
    """
    errors = calibration_errors(select(results, labels, ["clean", "corruption"]))
    frame = errors.groupby(["model", "variant", "seed", "severity"], observed=True)["value"].mean().reset_index()
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    models = list(frame["model"].cat.categories)
    columns = min(len(models), 3)
    rows = -(-len(models) // columns)
    figure = new_figure(COLUMN_WIDTH if columns == 1 else TEXT_WIDTH, 0.3 + 1.9 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for model, axes in zip(models, grid.ravel(), strict=False):
        draw_lines(axes, frame[frame["model"] == model], "severity", "value", styles, markers=True)
        axes.set_title(model if len(models) > 1 else "")
        axes.set(xlabel="severity (0: clean)", ylabel="")
        axes.xaxis.set_major_locator(MultipleLocator(1))
        axes.xaxis.set_tick_params(labelbottom=True)
    for axes in grid.ravel()[len(models) :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set_ylabel("ECE (%)")
        row[0].set_ylim(bottom=0)
        row[0].yaxis.set_major_formatter(PERCENT)
    add_legend(figure, styles, note=seeds_and_images_note(errors))
    return figure
