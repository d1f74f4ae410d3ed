"""Accuracy under each corruption against its severity.

Lines are means over seeds, bands reach from the lowest to the highest seed. The last row holds the extra corruptions,
which the mean leaves out.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MultipleLocator

from filterfreq.publishing.corruptions import corruption_label, corruption_rows
from filterfreq.publishing.measures import common_accuracies
from filterfreq.publishing.panels import scale_accuracies, seeds_and_images_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import RUN, present_variants, select
from filterfreq.publishing.style import TEXT_WIDTH, add_legend, draw_lines, new_figure, use_style, variant_styles

PRODUCT = Product(title="Corruptions", needs=["corruption"], takes=["labels", "style_numbers"])


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw accuracy against severity, one panel per corruption: a row for each family, and one for the extra ones.

    The first row with room to spare ends with the mean over the common ones.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of corruptions.
    """
    frame = select(results, labels, ["corruption"])
    frame = frame[frame["metric"] == "accuracy"]
    means, mean_title = _means(frame)
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    rows = corruption_rows(frame["corruption"].unique())
    columns = max(map(len, rows.values()))
    of_mean = next((title for title, names in rows.items() if len(names) < columns and not means.empty), None)
    models = list(frame["model"].cat.categories)
    row_height = 0.95 if len(models) == 1 else 0.8  # inches; two models fit a page
    figure = new_figure(TEXT_WIDTH, 0.2 + (0.3 + row_height * len(rows)) * len(models))
    for model, part in _parts(figure, models):
        grid = part.subplots(len(rows), columns, sharex=True, sharey=True, squeeze=False)
        scale_accuracies(grid[0, 0])
        grid[0, 0].xaxis.set_major_locator(MultipleLocator(1))
        for (title, names), row in zip(rows.items(), grid, strict=True):
            shown = {corruption_label(name): frame[frame["corruption"] == name] for name in names}
            shown |= {mean_title: means} if title == of_mean else {}
            for (heading, its_rows), axes in zip(shown.items(), row, strict=False):
                of_model = its_rows[its_rows["model"] == model].astype({"severity": "float64"})
                draw_lines(axes, of_model, "severity", "value", styles, markers=True)
                axes.set_title(heading, pad=3, fontweight="bold" if heading == mean_title else "normal")
                axes.set_xlabel("")
            for axes in row[len(shown) :]:
                axes.set_axis_off()
            row[0].set_ylabel(title)
        _label_lowest(grid)
        part.supxlabel("severity")
        part.supylabel("accuracy (%)")
    note = seeds_and_images_note(frame)
    add_legend(figure, styles, note=f"{note}; extra: not in the mean" if of_mean and "extra" in rows else note)
    return figure


def _means(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return each run's mean over the common corruptions at each severity that all of them have, and its title."""
    accuracies = common_accuracies(frame).T
    by_severity = accuracies.groupby(level="severity")
    count = accuracies.index.unique("corruption").size
    means = by_severity.mean()[by_severity.size() == count]
    rows = means.T.stack().rename("value").reset_index()  # noqa: PD013
    return rows.astype({name: frame[name].dtype for name in RUN}), f"mean of the {count} common"


def _label_lowest(grid: list[list[Axes]]) -> None:
    """Show the severities below the lowest panel of each column, which need not be in the last row."""
    for column in zip(*grid, strict=True):
        lowest = [axes for axes in column if axes.axison][-1]
        lowest.xaxis.set_tick_params(labelbottom=True)


def _parts(figure: Figure, models: list[str]) -> list[tuple[str, SubFigure]]:
    """Return a part of the figure for every model, titled where there are several."""
    parts = figure.subfigures(len(models), 1, squeeze=False)[:, 0]
    if len(models) > 1:
        for model, part in zip(models, parts, strict=True):
            part.suptitle(model)
    return list(zip(models, parts, strict=True))
