"""Accuracy under each corruption against its severity.

Lines are means over seeds, bands reach from the lowest to the highest seed. The last column holds the extra
corruptions, which the means leave out.
"""

import pandas as pd
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MultipleLocator

from filterfreq.publishing.corruptions import corruption_label, family_grid
from filterfreq.publishing.panels import seeds_and_images_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import (
    PERCENT,
    TEXT_WIDTH,
    add_legend,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
)

PRODUCT = Product(title="Corruptions", needs=["corruption"], takes=["labels"])


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw accuracy against severity, one panel per corruption: a row per family, extra corruptions in the last column.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of corruptions.
    """
    frame = select(results, labels, ["corruption"])
    frame = frame[frame["metric"] == "accuracy"]
    styles = variant_styles(present_variants(frame, labels))
    families, columns = family_grid(frame["corruption"].unique())
    models = list(frame["model"].cat.categories)
    figure = new_figure(TEXT_WIDTH, 0.2 + (0.3 + 1.0 * len(families)) * len(models))
    for model, part in _parts(figure, models):
        model_rows = frame[frame["model"] == model]
        grid = part.subplots(len(families), columns, sharex=True, sharey=True, squeeze=False)
        for (family, names), row in zip(families.items(), grid, strict=True):
            for column, axes in enumerate(row):
                if column not in names:
                    axes.set_axis_off()
                    continue
                its_rows = model_rows[model_rows["corruption"] == names[column]].astype({"severity": "float64"})
                draw_lines(axes, its_rows, "severity", "value", styles, markers=True)
                axes.set_title(corruption_label(names[column]), pad=3)
                axes.set_xlabel("")
            row[0].set_ylabel(family)
            row[0].yaxis.set_major_formatter(PERCENT)
        grid[0, 0].xaxis.set_major_locator(MultipleLocator(1))
        part.supxlabel("severity")
        part.supylabel("accuracy (%)")
    add_legend(figure, styles, note=seeds_and_images_note(frame))
    return figure


def _parts(figure: Figure, models: list[str]) -> list[tuple[str, SubFigure]]:
    """Return a part of the figure for every model, titled where there are several."""
    parts = figure.subfigures(len(models), 1, squeeze=False)[:, 0]
    if len(models) > 1:
        for model, part in zip(models, parts, strict=True):
            part.suptitle(model)
    return list(zip(models, parts, strict=True))
