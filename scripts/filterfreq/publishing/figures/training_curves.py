"""Loss, penalty and accuracy during training.

Lines are means over seeds, bands reach from the lowest to the highest seed. Training accuracy is that on the images as
they were seen, augmented or attacked.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from filterfreq.evaluation.columns import RUN_COLUMNS
from filterfreq.publishing.panels import scale_accuracies, seeds_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import order_variants, present_variants
from filterfreq.publishing.style import (
    TEXT_WIDTH,
    add_legend,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
)
from filterfreq.runtime.errors import InputError
from filterfreq.training.history import read_history

PRODUCT = Product(title="Training curves", takes=["labels", "style_numbers"], reads="history", when="trained")

_TITLES = {
    "loss": "cross entropy",
    "penalty": "frequency penalty",
    "train_accuracy": "training accuracy (%)",
    "test_accuracy": "test accuracy (%)",
}
_FRACTIONS = ("train_accuracy", "test_accuracy")
_MARKED_EPOCHS = 10
"""Up to so many epochs each has a marker: of fewer, a line alone hides where it was measured."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def read(files: Sequence[str]) -> pd.DataFrame:
    """Read the histories of all runs, which are one file.

    Raises:
        InputError: it is missing, damaged, or was changed since it was written.
    """
    return read_history(files[0], RUN_COLUMNS)


@use_style
def draw(histories: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw loss, penalty and accuracies against the epoch, one row per model.

    Args:
        histories: columns model, variant, seed, epoch (from 1), loss, penalty, train_accuracy, test_accuracy.
        labels: display labels of the variants by name, in order.
        style_numbers: of the variants in the study, see `variant_styles`.

    Raises:
        InputError: a column is missing, or no variant has a history.
    """
    panels = dict(_TITLES)
    missing = [name for name in ("model", "variant", "seed", "epoch", *panels) if name not in histories]
    if missing:
        raise InputError(f"the training histories lack the columns {', '.join(missing)}: train again")
    frame = histories[histories["variant"].isin(list(labels))]
    if frame.empty:
        raise InputError(f"there are no training histories of the variants {', '.join(labels)}: train them")
    frame = order_variants(frame, labels)
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
            shown = model_rows[model_rows["penalty"] > 0] if column == "penalty" else model_rows
            shown = shown.assign(**{column: shown[column] / 10.0 ** powers[column]})
            draw_lines(axes, shown, "epoch", column, styles, markers=markers)
            unit = f" (×10{str(powers[column]).translate(_SUPERSCRIPTS)})" if powers[column] else ""
            axes.set_title(title + unit if model == models[0] else "")
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


def _power_of_ten(values: pd.Series) -> int:
    """Return the power of ten that values are shown in, which is in the title where it is not 0."""
    largest = values[np.isfinite(values)].abs().max()
    power = int(np.floor(np.log10(largest))) if largest > 0 else 0
    return 0 if -2 <= power <= 3 else power
