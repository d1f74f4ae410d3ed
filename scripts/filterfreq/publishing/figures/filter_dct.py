"""How the frequencies of 3x3 filters differ between compared models of *{dataset}*, by depth in the network.

Shares of the energy in the orthonormal DCT-II, of a treatment less those of its control: over the pairs that the
experiment names, or else of each variant against the baseline, paired by model and seed. With two weightings: of
filters as they are, which count by their energy, and of filters divided by their largest weight, which count about
alike, without the sparse ones. Lines: DC and the sum over the highest frequencies, the mean over pairs, in a band from
the lowest to the highest. Maps: each coefficient, the mean over pairs; differences from a tenth of the scale are
written.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from seaborn.utils import relative_luminance

from filterfreq.analysis.filter_statistics import DEPTH_BINS, WHOLE_MODEL, dct_share_table
from filterfreq.analysis.pairs import Pairs
from filterfreq.publishing.filter_frames import (
    PAIRED,
    batch_norm_phrase,
    compared_runs,
    comparison_phrase,
    differences_of_pairs,
    filter_frame,
    named_shares,
)
from filterfreq.publishing.filter_styles import DEPTH_LABEL, DEPTH_TICKS
from filterfreq.publishing.numbers import number_text
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants
from filterfreq.publishing.style import (
    PERCENT,
    SMALL_FONT,
    TEXT_WIDTH,
    VariantStyle,
    add_legend,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
    wrap_text,
)

PRODUCT = Product(
    title="Frequencies of filters against the control, by depth",
    needs=["filter_quality"],
    takes=["labels", "style_numbers", "baseline", "pairs", "controls"],
    when="compared",
)

_WEIGHTINGS = {"raw": "filters as they are", "scaled": "scaled filters"}
_MOST_MAPS = 3  # groups
_DIVERGING = "RdBu_r"
_PANEL, _MAP = 1.35, 1.55  # inches of height
_NAME_WIDTH = 26  # characters
_WRITTEN = 0.1  # of the colour scale, from which a difference is written in its cell
_DARK = 0.18  # relative luminance; below it white has the higher contrast (WCAG 2)


@use_style
def draw(
    results: pd.DataFrame,
    labels: dict[str, str],
    baseline: str,
    pairs: Pairs = (),
    controls: str = "each_pair",
    style_numbers: Mapping[str, int] | None = None,
) -> Figure:
    """Draw the differences of DC and of the highest frequencies against depth, and below a map of all coefficients.

    Of more than three variants there are lines alone.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        baseline: the control where the config names no pairs.
        pairs: the pairs that the config names.
        controls: "each_pair", so that a control of k pairs counts k times, or "once".
        style_numbers: the number of each variant's style.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), none of filters, or nothing to compare.
    """
    frame = filter_frame(results, labels)
    compared = compared_runs(frame, pairs, baseline)
    shares = dct_share_table(frame)
    shares = shares[shares["depth_bin"] != WHOLE_MODEL]
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    styles = {name: style for name, style in styles.items() if name in set(compared["group"])}
    styles = styles or variant_styles({PAIRED: "treatments less controls"})
    named = differences_of_pairs(named_shares(shares), compared, ["depth_bin", "frequencies"], controls)
    groups = list(styles) if len(styles) <= _MOST_MAPS else []
    heights = [2 * _PANEL + 0.5, *([_MAP * len(groups) + 0.7] if groups else [])]
    figure = new_figure(TEXT_WIDTH, sum(heights))
    above, *below = np.atleast_1d(figure.subfigures(len(heights), 1, height_ratios=heights))
    _draw_curves(above, named, styles)
    if groups:
        whole = differences_of_pairs(shares, compared, ["depth_bin", "vertical", "horizontal"], controls)
        _draw_maps(below[0], whole, {name: styles[name].label for name in groups})
    against = f"controls: {labels[baseline]}; " if not pairs else ""
    note = f"lines: mean, bands: lowest to highest; {against}{comparison_phrase(compared, controls)}"
    # One entry alone is a sentence.
    (only, *others) = styles.values()
    note = note if others else f"{only.label}; {note}"
    add_legend(figure, styles if others else {}, note=f"{note}; {batch_norm_phrase(frame)}")
    return figure


def _draw_curves(figure: SubFigure, named: pd.DataFrame, styles: dict[str, VariantStyle]) -> None:
    """Draw a panel for each weighting (rows) and for DC and the highest frequencies (columns)."""
    grid = figure.subplots(2, 2, sharex=True, sharey=True)
    lines = named.assign(bin=named["depth_bin"].cat.codes - 1, variant=named["group"])
    for row, (column, weighting) in zip(grid, _WEIGHTINGS.items(), strict=True):
        for axes, frequencies in zip(row, ("DC", "highest"), strict=True):
            rows = lines[lines["frequencies"] == frequencies].dropna(subset=column)
            axes.axhline(0, color="0.4", linewidth=0.6)
            draw_lines(axes, rows, "bin", column, styles, markers=True)
            axes.set(xlabel="", title=f"{frequencies}, {weighting}")
            axes.set_ylabel("difference (points)")
            axes.yaxis.set_major_formatter(PERCENT)
            axes.set_xticks(range(len(DEPTH_BINS)), DEPTH_TICKS)
    figure.supxlabel(DEPTH_LABEL)


def _draw_maps(figure: SubFigure, whole: pd.DataFrame, names: dict[str, str]) -> None:
    """Draw the difference of each coefficient (rows) at each depth (columns), a row of two maps for each group."""
    means = whole.groupby(["group", "vertical", "horizontal", "depth_bin"], observed=True)[list(_WEIGHTINGS)].mean()
    most = float(means.abs().max(axis=None))
    scale = Normalize(-100 * most, 100 * most)
    grid = figure.subplots(len(names), 2, sharex=True, sharey=True, squeeze=False)
    for row, (group, label) in zip(grid, names.items(), strict=True):
        for axes, column in zip(row, _WEIGHTINGS, strict=True):
            table = means.loc[group][column].unstack("depth_bin").reindex(columns=list(DEPTH_BINS))  # noqa: PD010
            _draw_map(axes, 100 * table, scale)
        if len(names) > 1:
            row[0].set_ylabel(wrap_text(label, _NAME_WIDTH, 2))
    for axes, weighting in zip(grid[0], _WEIGHTINGS.values(), strict=True):
        axes.set_title(weighting)
    figure.supxlabel(DEPTH_LABEL)
    if len(names) > 1:
        figure.supylabel("vertical, horizontal frequency")
    else:
        grid[0, 0].set_ylabel("vertical, horizontal frequency")
    bar = figure.colorbar(ScalarMappable(scale, _DIVERGING), ax=grid, aspect=12 * len(names), pad=0.02)
    bar.set_label("difference of shares (points)")
    bar.outline.set_visible(False)


def _draw_map(axes: Axes, table: pd.DataFrame, scale: Normalize) -> None:
    """Draw one map, the lowest frequencies on top."""
    order = sorted(table.index, key=lambda pair: (max(pair), sum(pair), pair))
    cells = axes.imshow(table.loc[order], cmap=_DIVERGING, norm=scale, aspect="auto", interpolation="none")
    axes.grid(visible=False)
    for (row, column), value in np.ndenumerate(table.loc[order].to_numpy()):
        # In grey both ends of the scale look alike.
        if abs(value) >= max(1, _WRITTEN * scale.vmax):
            colour = "white" if relative_luminance(cells.to_rgba(value)) < _DARK else "black"
            axes.text(column, row, number_text(value, "+.0f"), ha="center", va="center", size=SMALL_FONT, color=colour)
    axes.set_yticks(range(len(order)), [f"{u}, {v}" for u, v in order])
    axes.set_xticks(range(len(DEPTH_BINS)), DEPTH_TICKS)
