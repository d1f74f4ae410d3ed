"""Sparsity, variance entropy and orthogonality of the 3x3 filters of models of *{dataset}*, by depth in the network.

Sparsity is the share of filters whose largest weight is at most a hundredth of the layer's. Variance entropy says how
evenly the other filters, each divided by its largest weight, vary along their principal axes; at most 0.954.
Orthogonality is 1 less the mean absolute cosine of a layer's output channels. Where the experiment names pairs: boxes
over treatments and over controls, quartiles with whiskers to the last value within 1.5 times their distance, the mean
marked with a white diamond. Else a line for each variant, the mean over seeds, in a band from the lowest to the
highest.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from filterfreq.analysis.filter_statistics import DEPTH_BINS, WHOLE_MODEL, aggregate_models, layer_table
from filterfreq.analysis.pairs import Pairs
from filterfreq.publishing.filter_frames import (
    FILTER_METRICS,
    batch_norm_phrase,
    compared_runs,
    comparison_phrase,
    filter_frame,
    values_of_runs,
)
from filterfreq.publishing.filter_styles import DEPTH_LABEL, DEPTH_TICKS, SIDE_COLOURS
from filterfreq.publishing.panels import seeds_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import order_variants, present_variants
from filterfreq.publishing.style import (
    PERCENT,
    TEXT_WIDTH,
    VariantStyle,
    add_legend,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
)

PRODUCT = Product(
    title="Filter quality by depth",
    needs=["filter_quality"],
    takes=["labels", "style_numbers", "pairs", "controls"],
)

_PANEL = 1.45  # inches of height
_BOX = 0.36  # of the distance of two bins
_NONE_SPARSE = "no filter of any layer is sparse"
_NAMES = {"treatment": "treatments", "control": "controls"}


@use_style
def draw(
    results: pd.DataFrame,
    labels: dict[str, str],
    style_numbers: Mapping[str, int] | None = None,
    pairs: Pairs = (),
    controls: str = "each_pair",
) -> Figure:
    """Draw the three metrics against depth, one below the other.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        style_numbers: the number of each variant's style.
        pairs: the pairs that the config names; with any, treatments stand beside controls, else variants.
        controls: "each_pair", so that a control of k pairs counts k times, or "once".

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of filters.
    """
    frame = filter_frame(results, labels)
    by_depth = aggregate_models(layer_table(frame))
    by_depth = by_depth[by_depth["depth_bin"] != WHOLE_MODEL]
    compared = compared_runs(by_depth, pairs)
    models = [""] if len(compared) else list(frame["model"].cat.categories)
    figure = new_figure(TEXT_WIDTH, 0.3 + _PANEL * len(FILTER_METRICS) * len(models))
    grid = figure.subplots(len(FILTER_METRICS) * len(models), 1, sharex=True)
    if len(compared):
        for axes, metric in zip(grid, FILTER_METRICS, strict=True):
            for side, shift in (("control", -0.2), ("treatment", 0.2)):
                _draw_boxes(axes, values_of_runs(by_depth, compared, side, metric, controls), shift, SIDE_COLOURS[side])
        entries = [Patch(color=SIDE_COLOURS[side], alpha=0.6, label=_NAMES[side]) for side in ("control", "treatment")]
        note = f"{comparison_phrase(compared, controls)}; {batch_norm_phrase(frame)}"
        add_legend(figure, {}, extra=entries, note=note)
    else:
        by_depth = order_variants(by_depth, labels).assign(bin=by_depth["depth_bin"].cat.codes - 1)
        styles = variant_styles(present_variants(frame, labels), style_numbers)
        for model, panels in zip(models, np.split(grid, len(models)), strict=True):
            _draw_variants(panels, by_depth[by_depth["model"] == model], styles)
            panels[0].set_title(model if len(models) > 1 else "")
        add_legend(figure, styles, note=f"{seeds_note(frame)}; {batch_norm_phrase(frame)}")
    for axes, label in zip(grid, [*FILTER_METRICS.values()] * len(models), strict=True):
        axes.set_ylabel(label)
        if label == FILTER_METRICS["sparsity"]:
            _scale_shares(axes)
    grid[-1].set_xticks(range(len(DEPTH_BINS)), DEPTH_TICKS)
    grid[-1].set_xlim(-0.6, len(DEPTH_BINS) - 0.4)
    grid[-1].set_xlabel(DEPTH_LABEL)
    return figure


def _scale_shares(axes: Axes) -> None:
    """Make the upright axis of a panel begin at a share of 0, in percent, with at least 1 % on it.

    Where all shares are 0 the panel says so: boxes without height show no colour, and lines hide each other.
    """
    top = max(axes.dataLim.ymax, 0.01)
    axes.set_ylim(-0.05 * top, 1.05 * top)
    axes.yaxis.set_major_formatter(PERCENT)
    if axes.dataLim.ymax == 0:
        axes.text(0.5, 0.5, _NONE_SPARSE, transform=axes.transAxes, ha="center", va="center", color="0.4")


def _draw_boxes(axes: Axes, values: pd.DataFrame, shift: float, colour: str) -> None:
    """Draw a box for each bin of depth that has a value."""
    found = {
        number: rows
        for number, name in enumerate(DEPTH_BINS)
        if len(rows := values.loc[values["depth_bin"] == name, "value"].dropna())
    }
    axes.boxplot(
        list(found.values()),
        positions=[number + shift for number in found],
        widths=_BOX,
        manage_ticks=False,
        patch_artist=True,
        showmeans=True,
        boxprops={"facecolor": (colour, 0.6), "edgecolor": colour, "linewidth": 0.6},
        # In the box's colour: a box without height is its median alone.
        medianprops={"color": colour, "linewidth": 1.2},
        meanprops={"marker": "D", "markerfacecolor": "white", "markeredgecolor": colour, "markersize": 3},
        whiskerprops={"color": colour, "linewidth": 0.6},
        capprops={"color": colour, "linewidth": 0.6},
        flierprops={"marker": ".", "markersize": 2.5, "markeredgecolor": colour},
    )
    axes.grid(visible=False, axis="x")


def _draw_variants(panels: np.ndarray, by_depth: pd.DataFrame, styles: dict[str, VariantStyle]) -> None:
    """Draw a line for each variant in each metric's panel."""
    for axes, metric in zip(panels, FILTER_METRICS, strict=True):
        draw_lines(axes, by_depth.dropna(subset=metric), "bin", metric, styles, markers=True)
        axes.set_xlabel("")
