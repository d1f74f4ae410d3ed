"""Loss, penalty and accuracy during training.

Lines are means over seeds, bands reach from the lowest to the highest seed. Training accuracy is that on the images as
they were seen, augmented or attacked; validation accuracy, where a run has some, that on a part of the training images.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from filterfreq.publishing.histories import read_histories, select_histories
from filterfreq.publishing.panels import scale_accuracies, seeds_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants
from filterfreq.publishing.style import (
    TEXT_WIDTH,
    add_legend,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
)
from filterfreq.training.history import VALIDATION_COLUMN

PRODUCT = Product(title="Training curves", takes=["labels", "style_numbers"], reads="history", when="trained")

_TITLES = {
    "loss": "cross entropy",
    "penalty": "frequency penalty",
    "train_accuracy": "training accuracy (%)",
    VALIDATION_COLUMN: "validation accuracy (%)",
    "test_accuracy": "test accuracy (%)",
}
_FRACTIONS = ("train_accuracy", VALIDATION_COLUMN, "test_accuracy")
_MARKED_EPOCHS = 10
"""Up to so many epochs each has a marker: of fewer, a line alone hides where it was measured."""
_MOST_WIDE_PANELS = 4
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


read = read_histories


@use_style
def draw(histories: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw loss, penalty and accuracies against the epoch, one row per model.

    Args:
        histories: columns model, variant, seed, epoch (from 1), loss, penalty, train_accuracy, test_accuracy and,
            where a run has a validation, validation_accuracy.
        labels: display labels of the variants by name, in order.
        style_numbers: of the variants in the study, see `variant_styles`.

    Raises:
        InputError: a column is missing, or no variant has a history.
    """
    panels = dict(_TITLES)
    if VALIDATION_COLUMN not in histories or not histories[VALIDATION_COLUMN].notna().any():
        del panels[VALIDATION_COLUMN]
    frame = select_histories(histories, labels, list(panels))
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    if not frame["penalty"].any():
        del panels["penalty"]
    markers = frame["epoch"].nunique() <= _MARKED_EPOCHS
    powers = {name: 0 if name in _FRACTIONS else _power_of_ten(frame[name]) for name in panels}
    models = list(frame["model"].cat.categories)
    figure = new_figure(TEXT_WIDTH, 0.2 + 1.6 * len(models))
    grid = figure.subplots(len(models), len(panels), sharex=True, squeeze=False)
    for model, row in zip(models, grid, strict=True):
        model_rows = frame[frame["model"] == model]
        for (column, title), axes in zip(panels.items(), row, strict=True):
            # Runs without a penalty, or without a validation, have no line of it.
            shown = model_rows[model_rows["penalty"] > 0] if column == "penalty" else model_rows.dropna(subset=column)
            shown = shown.assign(**{column: shown[column] / 10.0 ** powers[column]})
            draw_lines(axes, shown, "epoch", column, styles, markers=markers)
            unit = f" (×10{str(powers[column]).translate(_SUPERSCRIPTS)})" if powers[column] else ""
            axes.set_title(_heading(title, len(panels)) + unit if model == models[0] else "")
            axes.set(xlabel="epoch" if model == models[-1] else "", ylabel="")
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
            if column in _FRACTIONS:
                scale_accuracies(axes)
            else:
                axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
        if len(models) > 1:
            row[0].set_ylabel(model)
    add_legend(figure, styles, markers=markers, note=seeds_note(frame))
    return figure


def _heading(title: str, panels: int) -> str:
    """A title on two lines where there are many panels in a row."""
    return title.replace(" ", "\n", 1) if panels > _MOST_WIDE_PANELS else title


def _power_of_ten(values: pd.Series) -> int:
    """Return the power of ten that values are shown in, which is in the title where it is not 0."""
    largest = values[np.isfinite(values)].abs().max()
    power = int(np.floor(np.log10(largest))) if largest > 0 else 0
    return 0 if -2 <= power <= 3 else power
