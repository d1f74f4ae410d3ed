"""What the suites measure on {dataset} over training, on snapshots.

Lines are means over seeds, bands reach from the lowest to the highest seed. Of a suite that measures several things
each has its panel, as each radius of a filter; corruptions, frequencies and layers are averaged over. Where batches of
the first epochs were measured too, epochs below the first one measured are on a linear scale and the others on a
logarithmic one; epoch 0 is before the training.
"""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.registry import RANGES, SUITES
from filterfreq.publishing.over_training_panels import Panel, panel_rows, splits_of
from filterfreq.publishing.panels import scale_accuracies, seeds_and_images_note, shorten_title, tick_measured
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import (
    COLUMN_WIDTH,
    PERCENT,
    TEXT_WIDTH,
    VariantStyle,
    add_legend,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
)
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Over training", takes=["labels", "style_numbers"], reads="over_training", when="measured_over_training"
)

_SPLITS: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "test": ("test images", ()),
    "train": ("training images", (2, 1.5)),
}
_FROM_0_TO_1 = ("accuracy", "shape_bias", "fooled", "error", "universal_error")
_FEW_DECADES, _MOST_DECADES = 2, 5


def read(files: Sequence[str]) -> pd.DataFrame:
    """Read what the suites have measured of the snapshots of all runs, a file for each suite.

    Raises:
        InputError: one is missing, damaged, or was changed since it was written.
    """
    return read_results(files)


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw measures against the epoch, rows of panels for each model and one line per variant.

    Where training images were measured too, lines are whole for test images and dashed for training images.

    Args:
        results: results of suites with the column epoch, from 0, of which a part of an epoch is a fraction.
        labels: display labels of the variants by name, in order.
        style_numbers: of the variants in the study, see `variant_styles`.

    Raises:
        InputError: no variant has a value at an epoch.
    """
    over_training = results[results["epoch"].notna()] if "epoch" in results else results[:0]
    over_training = over_training[over_training["variant"].isin(list(labels))]
    if over_training.empty:
        raise InputError(f"there are no results over training of {', '.join(labels)}: measure their snapshots")
    frame = select(over_training, labels)
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    by_model = {model: panel_rows(frame[frame["model"] == model]) for model in frame["model"].cat.categories}
    rows = [(model, panels) for model, its_rows in by_model.items() for panels in its_rows]
    columns = max(len(panels) for _, panels in rows)
    figure = new_figure(COLUMN_WIDTH if columns == 1 else TEXT_WIDTH, 0.3 + 1.75 * len(rows))
    grid = figure.subplots(len(rows), columns, squeeze=False)
    splits = [name for name in _SPLITS if (splits_of(frame) == name).any()]
    for number, ((model, panels), cells) in enumerate(zip(rows, grid, strict=True)):
        shared = {panel.metric for panel in panels} == {"accuracy"}
        # The curves of a row that all lie low would be one line on the scale of the others.
        highest = max(panel.frame["value"].max() for panel in panels) if shared else 1
        for column, (axes, panel) in enumerate(zip(cells, panels, strict=False)):
            _draw_panel(axes, panel, styles, splits, highest)
            prefix = f"{model}\n" if column == 0 and len(by_model) > 1 else ""
            if column == 0 or not shared:
                axes.set_ylabel(prefix + _metric_label(panel.metric))
            else:
                axes.tick_params(labelleft=False)
            axes.set_xlabel("epoch" if number == len(rows) - 1 or not _is_below(rows, number, column) else "")
            _scale_epochs(axes, frame["epoch"].astype(float))
            if len(panels) > 1 or len(rows) > len(by_model):
                axes.set_title(shorten_title(panel.title, axes))
        for axes in cells[len(panels) :]:
            axes.set_axis_off()
    extra = []
    if len(splits) > 1:
        styles = {name: style._replace(dashes=()) for name, style in styles.items()}
        extra = [Line2D([], [], color="0.4", linestyle=(0, dashes), label=label) for label, dashes in _SPLITS.values()]
    of_images = frame["suite"].map(lambda suite: bool(SUITES[suite].inputs))
    add_legend(figure, styles, extra=extra, note=seeds_and_images_note(frame.assign(n=frame["n"].where(of_images, 0))))
    return figure


def _draw_panel(
    axes: Axes, panel: Panel, styles: dict[str, VariantStyle], splits: Sequence[str], highest: float
) -> None:
    for split in splits:
        drawn = styles
        if len(splits) > 1:
            # Dashes tell the splits apart, colours and markers the variants.
            drawn = {name: style._replace(dashes=_SPLITS[split][1]) for name, style in styles.items()}
        shown = panel.frame[panel.frame["split"] == split]
        if not shown.empty:
            draw_lines(axes, shown, "epoch", "value", drawn, markers=True)
    axes.set(xlabel="", ylabel="")
    if panel.metric in _FROM_0_TO_1:
        scale_accuracies(axes, highest)
    elif RANGES[panel.metric] == (0, 1):
        axes.yaxis.set_major_formatter(PERCENT)


def _metric_label(metric: str) -> str:
    name = metric.replace("_", " ")
    return f"{name} (%)" if RANGES[metric] == (0, 1) else name


def _is_below(rows: list[tuple[str, list[Panel]]], number: int, column: int) -> bool:
    """Whether the next row has a panel in a column."""
    return column < len(rows[number + 1][1])


def _scale_epochs(axes: Axes, epochs: pd.Series) -> None:
    """Make the axis of epochs linear, or logarithmic from the first batch on where batches were measured."""
    if (epochs % 1 == 0).all():
        tick_measured(axes, epochs)
        return
    least, last = epochs[epochs > 0].min(), epochs.max()
    axes.set_xscale("symlog", linthresh=least, linscale=0.5)
    axes.set_xlim((-0.3 if epochs.min() == 0 else 0.7) * least, 1.4 * last)
    powers = range(math.floor(math.log10(least)), math.floor(math.log10(last)) + 1)
    step = 1 if len(powers) <= _MOST_DECADES else 2
    digits = (1, 2, 5) if len(powers) <= _FEW_DECADES else (1,)
    numbers = sorted(digit * 10.0**power for power in powers[::-step] for digit in digits)
    ticks = [*([0.0] if epochs.min() == 0 else []), *(number for number in numbers if least <= number <= last)]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
