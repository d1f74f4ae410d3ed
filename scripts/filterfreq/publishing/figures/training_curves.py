"""Loss, penalty and accuracy during training.

Lines are means over seeds, bands reach from the lowest to the highest seed. Training accuracy is that on the images as
they were seen, augmented or attacked.
"""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from filterfreq.evaluation.columns import RUN_COLUMNS
from filterfreq.publishing.panels import seeds_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import order_variants, present_variants
from filterfreq.publishing.style import (
    PERCENT,
    TEXT_WIDTH,
    add_legend,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
)
from filterfreq.runtime.errors import InputError
from filterfreq.training.history import read_history

PRODUCT = Product(title="Training curves", takes=["labels"], reads="history", when="trained")

_TITLES = {
    "loss": "cross entropy",
    "penalty": "frequency penalty",
    "train_accuracy": "training accuracy (%)",
    "test_accuracy": "test accuracy (%)",
}
_FRACTIONS = ("train_accuracy", "test_accuracy")


def read(files: Sequence[str]) -> pd.DataFrame:
    """Read the histories of all runs, which are one file.

    Raises:
        InputError: it is missing, damaged, or was changed since it was written.
    """
    return read_history(files[0], RUN_COLUMNS)


@use_style
def draw(histories: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw loss, penalty and accuracies against the epoch, one row per model.

    Args:
        histories: columns model, variant, seed, epoch (from 1), loss, penalty, train_accuracy, test_accuracy.
        labels: display labels of the variants by name, in order.

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
    styles = variant_styles(present_variants(frame, labels))
    if not frame["penalty"].any():
        del panels["penalty"]
    models = list(frame["model"].cat.categories)
    figure = new_figure(TEXT_WIDTH, 0.2 + 1.6 * len(models))
    grid = figure.subplots(len(models), len(panels), sharex=True, squeeze=False)
    for model, row in zip(models, grid, strict=True):
        model_rows = frame[frame["model"] == model]
        for (column, title), axes in zip(panels.items(), row, strict=True):
            shown = model_rows[model_rows["penalty"] > 0] if column == "penalty" else model_rows
            draw_lines(axes, shown, "epoch", column, styles, markers=False)
            axes.set_title(title if model == models[0] else "")
            axes.set(xlabel="epoch" if model == models[-1] else "", ylabel="")
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            if column in _FRACTIONS:
                axes.yaxis.set_major_formatter(PERCENT)
        if len(models) > 1:
            row[0].set_ylabel(model)
    add_legend(figure, styles, markers=False, note=seeds_note(frame))
    return figure
