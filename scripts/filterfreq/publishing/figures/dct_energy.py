"""Where the learned filters have their energy, in the orthonormal DCT-II.

Curves: the share of the highest frequencies against depth in the network, means over seeds with bands from the lowest
to the highest. Heat maps: the share of each coefficient, mean over seeds, in the first, a middle and the last layer. Of
more than three models there are curves alone.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from filterfreq.publishing.panels import seeds_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import (
    PERCENT,
    TEXT_WIDTH,
    VariantStyle,
    add_legend,
    draw_lines,
    new_figure,
    use_style,
    variant_styles,
    wrap_text,
)

PRODUCT = Product(title="DCT energy by depth", needs=["filters"], takes=["labels", "style_numbers"])

_HEAT = "mako_r"
# Of the heat maps, in inches. Shares are written where two digits and a margin fit into a cell.
_LARGEST_CELL, _WRITTEN_CELL = 0.17, 0.15
_WIDEST_HEAT_MAPS = 2.1
_TALLEST_HEAT_MAPS = 6.0  # of all models together
_CURVES_ABOVE = 2.2  # height of curves that stand above heat maps
_VARIANTS_BESIDE, _MODELS_WITH_HEAT_MAPS = 4, 3
_PANELS_WIDTH = 3.8  # what labels and the colour bar leave of the text's width


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw the high-frequency share of the filters' energy against depth, and the share of every DCT coefficient.

    A coefficient (k, l) of an N x N filter is high-frequency where max(k, l) > (N - 1) / 2: the penalty `highest`
    acts on these. Heat maps show the first, the middle and the last layer of every variant, beside the curves or, of
    more than four variants, below; of more than three models there are curves alone.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of filters.
    """
    frame = select(results, labels, ["filters"])
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    frequency = frame[["horizontal", "vertical"]].astype("int64").max(axis="columns")
    largest = frequency.groupby([frame["model"], frame["variant"], frame["index"]], observed=True).transform("max")
    keys = ["model", "variant", "seed", "depth"]
    shares = frame[frequency > largest / 2].groupby(keys, observed=True)["value"].sum().reset_index()
    models = list(frame["model"].cat.categories)
    if len(models) > _MODELS_WITH_HEAT_MAPS:
        figure = _energy_curves(shares, models, styles)
        add_legend(figure, styles, note=seeds_note(frame))
        return figure
    # A model's own variants: of downloaded models each has others.
    own = {
        model: {name: style for name, style in styles.items() if name in set(rows["variant"])}
        for model, rows in frame.groupby("model", observed=True)
    }
    layout = _layout(1 + int(frequency.max()), [len(styles_of_model) for styles_of_model in own.values()])
    figure, grid = _empty_panels(layout)
    for model, height, (curve, heat) in zip(models, layout.heights, grid, strict=True):
        _draw_energy(curve, shares[shares["model"] == model], styles)
        if not layout.below:
            curve.set_box_aspect(min(1.5, height / (_PANELS_WIDTH - layout.width)))
            curve.set_anchor("N")
        curve.set_title(model if len(models) > 1 else "")
        _heat_maps(heat, frame[frame["model"] == model], own[model], written=layout.cell > _WRITTEN_CELL)
    add_legend(figure, styles, note=seeds_note(frame))
    figure.draw_without_rendering()  # squares move when they are first drawn; the second layout counts with that
    return figure


class _Layout(NamedTuple):
    """Where curves and heat maps stand, sizes in inches.

    Attributes:
        cell: the side of one coefficient.
        width: of a variant's three heat maps.
        heights: of each model's heat maps.
        below: whether the heat maps stand below the curves, rather than beside them.
    """

    cell: float
    width: float
    heights: list[float]
    below: bool


def _layout(side: int, variants: list[int]) -> _Layout:
    """Choose the largest cells with which all heat maps fit.

    Args:
        side: how many coefficients the largest filter has along an axis.
        variants: the number of each model's variants.
    """
    pitch = side + 1  # cells from one heat map to the next
    cell = min(_LARGEST_CELL, _WIDEST_HEAT_MAPS / (3 * pitch), _TALLEST_HEAT_MAPS / (pitch * sum(variants)))
    heights = [cell * pitch * number for number in variants]
    return _Layout(cell, 3 * cell * pitch, heights, max(variants) > _VARIANTS_BESIDE)


def _empty_panels(layout: _Layout) -> tuple[Figure, np.ndarray]:
    """Return a figure, and for each model the panel of its curves and that of its heat maps (models x 2)."""
    models, above = len(layout.heights), _CURVES_ABOVE if layout.below else 0
    figure = new_figure(TEXT_WIDTH, 0.2 + (1.2 + above) * models + sum(layout.heights))
    figure.get_layout_engine().set(w_pad=0.08)
    tall = [height + 1 for height in layout.heights]
    if layout.below:
        grid = figure.subplots(2 * models, 1, height_ratios=[ratio for height in tall for ratio in (above, height)])
    else:
        ratios = (_PANELS_WIDTH - layout.width, layout.width)
        grid = figure.subplots(models, 2, squeeze=False, width_ratios=ratios, height_ratios=tall)
    return figure, grid.reshape(models, 2)


def _draw_energy(axes: Axes, shares: pd.DataFrame, styles: dict[str, VariantStyle]) -> None:
    draw_lines(axes, shares, "depth", "value", styles, markers=True)
    axes.set(xlabel="depth (0: first, 1: last layer)", ylabel="high-frequency energy (%)")
    axes.yaxis.set_major_formatter(PERCENT)


def _energy_curves(shares: pd.DataFrame, models: list[str], styles: dict[str, VariantStyle]) -> Figure:
    """Draw the high-frequency shares of many models, three in a row on common axes."""
    columns = 3
    rows = -(-len(models) // columns)
    figure = new_figure(TEXT_WIDTH, 0.3 + 1.8 * rows)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for model, axes in zip(models, grid.ravel(), strict=False):
        _draw_energy(axes, shares[shares["model"] == model], styles)
        axes.set_title(model)
        axes.set_ylabel(axes.get_ylabel() if axes in grid[:, 0] else "")
        axes.xaxis.set_tick_params(labelbottom=True)
    for axes in grid.ravel()[len(models) :]:
        axes.set_axis_off()
    return figure


def _heat_maps(axes: Axes, frame: pd.DataFrame, styles: dict[str, VariantStyle], written: bool) -> None:
    """Draw the mean share of every coefficient: rows are the variants, columns the first, middle and last layer.

    All are one heat map with empty cells between them. Smaller filters fill the upper left of theirs. Layers are
    named where all variants have the same.
    """
    shown = _shown_layers(frame)
    columns = [depth for depth in ("first", "middle", "last") if any(depth in layers for layers in shown.values())]
    side = 1 + int(frame[["horizontal", "vertical"]].to_numpy().max())
    lefts = {depth: column * (side + 1) for column, depth in enumerate(columns)}
    tops = {name: row * (side + 1) for row, name in enumerate(styles)}
    shares = np.full((len(tops) * (side + 1) - 1, len(lefts) * (side + 1) - 1), np.nan)
    lefts_of = {(name, index): lefts[depth] for name in shown for depth, (index, _) in shown[name].items()}
    means = frame.groupby(["index", "variant", "vertical", "horizontal"], observed=True)["value"].mean()
    for (index, name, vertical, horizontal), share in means.items():
        if (name, index) in lefts_of:
            shares[tops[name] + vertical, lefts_of[name, index] + horizontal] = share
    sns.heatmap(
        100 * shares,
        ax=axes,
        annot=written,
        fmt=".0f",
        annot_kws={"size": 7},
        cmap=_HEAT,
        vmin=0,
        square=True,
        cbar_kws={"label": "share of the\nlayer's energy (%)", "pad": 0.02},
    )
    axes.grid(visible=False)
    frequencies = list(range(side)) if written else [0, side - 1]
    axes.set_xticks(
        [left + k + 0.5 for left in lefts.values() for k in frequencies], frequencies * len(lefts), rotation=0
    )
    axes.set_yticks([top + k + 0.5 for top in tops.values() for k in frequencies], frequencies * len(tops), rotation=0)
    axes.set(xlabel="horizontal frequency", ylabel="vertical frequency")
    offset = {"textcoords": "offset points"}
    for depth, left in lefts.items():
        names = {layers[depth][1] for layers in shown.values() if depth in layers}
        title = f"{depth}: {names.pop()}" if len(names) == 1 else depth
        axes.annotate(title, (left + side / 2, 0), (0, 3), ha="left", va="bottom", rotation=30, **offset)
    for name, top in tops.items():
        label = wrap_text(styles[name].label, 18, 4)
        axes.annotate(label, (0, top + side / 2), (-27, 0), ha="right", va="center", size=7, **offset)


def _shown_layers(frame: pd.DataFrame) -> dict[str, dict[str, tuple[int, str]]]:
    """Return the index and the name of the first, the middle and the last layer of every variant."""
    shown = {}
    for name, rows in frame.groupby("variant", observed=True):
        layers = rows.drop_duplicates("index").sort_values("index")
        pairs = list(layers[["index", "layer"]].itertuples(index=False, name=None))
        depths = {len(pairs) // 2: "middle", len(pairs) - 1: "last", 0: "first"}  # in a small network some coincide
        shown[name] = {depths[number]: pairs[number] for number in sorted(depths)}
    return shown
