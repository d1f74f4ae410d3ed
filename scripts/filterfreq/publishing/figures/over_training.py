"""Accuracy on the test images of {dataset} over training, measured on snapshots.

Lines are means over seeds, bands reach from the lowest to the highest seed.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from filterfreq.evaluation.reading import read_results
from filterfreq.publishing.panels import panel_grids, seeds_and_images_note, tick_measured
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import order_variants, present_variants
from filterfreq.publishing.style import add_legend, draw_lines, use_style, variant_styles
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Accuracy over training", takes=["labels", "style_numbers"], reads="over_training", when="clean_over_training"
)


def read(files: Sequence[str]) -> pd.DataFrame:
    """Read what the suite `clean` has measured of the snapshots of all runs, which is one file.

    Raises:
        InputError: it is missing, damaged, or was changed since it was written.
    """
    return read_results(files, suite="clean")


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw the accuracy against the epoch, one panel per model and one line per variant.

    Args:
        results: results of the suite `clean` with the column epoch (from 1).
        labels: display labels of the variants by name, in order.
        style_numbers: of the variants in the study, see `variant_styles`.

    Raises:
        InputError: no variant has an accuracy at an epoch.
    """
    frame = results[(results["metric"] == "accuracy") & results["variant"].isin(list(labels))]
    if frame.empty or "epoch" not in frame:
        raise InputError(f"there are no accuracies over training of {', '.join(labels)}: measure their snapshots")
    frame = order_variants(frame, labels)
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    models = list(frame["model"].cat.categories)
    figure, grids = panel_grids(models, [1])
    for model, (axes,) in zip(models, grids, strict=True):
        draw_lines(axes, frame[frame["model"] == model], "epoch", "value", styles, markers=True)
        axes.set(xlabel="epoch" if model == models[-1] else "")
        tick_measured(axes, frame["epoch"].astype(float))
    add_legend(figure, styles, note=seeds_and_images_note(frame))
    return figure
