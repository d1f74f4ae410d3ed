"""Errors of low and of high frequencies on {dataset} over training (Xu et al., 2019, arXiv 1901.06523, Figure 3).

A Gaussian filter of variance δ over all images takes the low frequencies from labels and answers; the rest are the
high ones. Strips are relative errors of both, e_low above e_high. Dark is learned; means over seeds.
"""

from collections.abc import Sequence

import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from filterfreq.evaluation.reading import read_results
from filterfreq.publishing.epoch_maps import add_strip_scale, draw_strips, make_groups
from filterfreq.publishing.panels import shorten_title
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import select
from filterfreq.publishing.style import COLUMN_WIDTH, TEXT_WIDTH, new_figure, use_style
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Low and high frequencies over training",
    needs=["filtered_response"],
    takes=["labels"],
    reads="over_training",
    when="measured_over_training",
)

_SCALE, _TICKS = Normalize(0.1, 1), (0.1, 0.4, 0.7, 1)
_PARTS = {"high_frequency_error": "high", "low_frequency_error": "low"}
_ROW_HEIGHT, _MOST_COLUMNS = 0.95, 2


def read(files: Sequence[str]) -> pd.DataFrame:
    """Read what the suite has measured of the snapshots of all runs.

    Raises:
        InputError: the file is missing, damaged, or was changed since it was written.
    """
    return read_results(files, suite="filtered_response")


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a panel of two strips for each model, variant, split, output and filter, filters beside each other.

    Args:
        results: of the suite, with the column epoch.
        labels: display labels of the variants by name, in order.

    Raises:
        InputError: no variant has a value at an epoch.
    """
    frame = select(results, labels, ["filtered_response"])
    frame = frame[frame["epoch"].notna()].dropna(subset="value")
    if frame.empty:
        raise InputError(f"there are no errors over training of {', '.join(labels)}: measure their snapshots")
    groups = make_groups(frame, labels)
    panels = [(group, delta, rows) for group in groups for delta, rows in group.frame.groupby("delta")]
    columns = min(_MOST_COLUMNS, frame["delta"].nunique())
    rows = -(-len(panels) // columns)
    width = COLUMN_WIDTH if columns == 1 else TEXT_WIDTH
    figure = new_figure(width, 0.35 + _ROW_HEIGHT * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.ravel()[len(panels) :]:
        axes.set_axis_off()
    for number, ((group, delta, found), axes) in enumerate(zip(panels, grid.ravel(), strict=False)):
        means = found.pivot_table(index="metric", columns="epoch", values="value", aggfunc="mean")
        means = means.reindex([part for part in _PARTS if part in means.index])
        draw_strips(axes, means, _SCALE)
        axes.set_yticklabels([_PARTS[part] for part in means.index])
        axes.set_title(shorten_title(", ".join(filter(None, [group.title, f"δ = {delta:g}"])), axes), loc="left")
        if number + columns >= len(panels):
            axes.set_xlabel("epoch")
    add_strip_scale(figure, grid, _SCALE, _TICKS, [group.frame["seed"].nunique() for group in groups])
    return figure
