"""Where the learned filters have their energy, in the orthonormal DCT-II.

Curves: the share of the highest frequencies against depth in the network, means over seeds with bands from the lowest
to the highest. Heat maps: the share of each coefficient in the first, a middle and the last layer, mean over seeds,
percent. Of more than three models there are curves alone. A patch embedding cuts images into patches and counts as no
layer of filters.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from seaborn.utils import relative_luminance

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
_MODELS_IN_A_ROW = _MODELS_WITH_MAPS = 3
_VARIANTS_IN_A_ROW = 10
_LAYERS = ("first\nlayer", "middle\nlayer", "last\nlayer")
_PATCHES = "patch\nembedding"
# In inches.
_CURVES_HEIGHT = 1.8
_MAPS_WIDTH = 5.1  # what the names of layers and the colour bar leave of the text's width
_MAP_HEIGHT = 0.52
_WRITTEN_CELL = 0.15  # the narrowest with a share in it: two digits and a margin
_LINE = 0.13  # of a variant's name
_LETTER = 0.07
_NAME = 7  # points
_DARK = 0.18  # relative luminance; below it white has the higher contrast (WCAG 2)


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw the high-frequency share of the filters' energy against depth, and the share of every DCT coefficient.

    A coefficient (k, l) of an N x N filter is high-frequency where max(k, l) > (N - 1) / 2: the penalty `highest`
    acts on these. Heat maps stand below the curves: a row for each layer, a column for each variant, ten in a row.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of filters.
    """
    frame = _drop_patch_embeddings(select(results, labels, ["filters"]))
    styles = variant_styles(present_variants(frame, labels), style_numbers)
    layers = [frame["model"], frame["variant"], frame["index"]]
    frequency = frame[["horizontal", "vertical"]].astype("int64").max(axis="columns")
    largest = frequency.groupby(layers, observed=True).transform("max")
    keys = ["model", "variant", "seed", "depth"]
    shares = frame[frequency > largest / 2].groupby(keys, observed=True)["value"].sum().reset_index()
    models = list(frame["model"].cat.categories)
    bands = _bands(frame, styles) if len(models) <= _MODELS_WITH_MAPS else []
    columns = max((len(band) for _, band in bands), default=0)
    names = {
        name: wrap_text(style.label, max(6, int(_MAPS_WIDTH / max(columns, 1) / _LETTER)), 4)
        for name, style in styles.items()
    }
    lines = [max(names[name].count("\n") for name in band) + (2 if len(models) > 1 else 1) for _, band in bands]
    heights = [_CURVES_HEIGHT * -(-len(models) // _MODELS_IN_A_ROW)]
    heights += [len(_LAYERS) * (_MAP_HEIGHT + 0.15) + _LINE * count + 0.3 for count in lines]
    figure = new_figure(TEXT_WIDTH, sum(heights))
    curves, *maps = np.atleast_1d(figure.subfigures(len(heights), 1, height_ratios=heights))
    _draw_curves(curves, shares, models, styles)
    means = frame.groupby([*layers, "vertical", "horizontal"], observed=True)["value"].mean()
    for (model, band), subfigure in zip(bands, maps, strict=True):
        _draw_maps(subfigure, means[model], {name: names[name] for name in band}, columns, means.max())
        if len(models) > 1:
            subfigure.suptitle(model)
    add_legend(figure, styles, note=seeds_note(frame))
    return figure


def _drop_patch_embeddings(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out the layers whose kernels are even, and count depth from the first to the last of the others.

    Of what `filter_spectra` measures these are patch embeddings, which cut images into patches and filter none. Where
    there is nothing else, as in a vision transformer, they stay.
    """
    sides = frame.groupby(["model", "variant", "index"], observed=True)["horizontal"].transform("max") + 1
    odd = sides.astype("int64") % 2 == 1
    if not odd.any():
        return frame
    frame = frame[odd].copy()
    for name in ("model", "variant"):
        frame[name] = frame[name].cat.remove_unused_categories()
    order = frame.groupby(["model", "variant"], observed=True)["index"].rank(method="dense") - 1
    last = order.groupby([frame["model"], frame["variant"]], observed=True).transform("max")
    return frame.assign(depth=order / last.clip(lower=1))


def _bands(frame: pd.DataFrame, variants: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Return the models and the variants of which maps stand side by side: of more than ten about equally many."""
    bands = []
    for model, rows in frame.groupby("model", observed=True):
        # A model's own variants: of downloaded models each has others.
        own = [name for name in variants if name in set(rows["variant"])]
        bands += [(model, list(band)) for band in np.array_split(own, -(-len(own) // _VARIANTS_IN_A_ROW))]
    return bands


def _draw_curves(figure: SubFigure, shares: pd.DataFrame, models: list[str], styles: dict[str, VariantStyle]) -> None:
    """Draw the high-frequency shares of every model, three in a row on common axes."""
    columns = min(len(models), _MODELS_IN_A_ROW)
    grid = figure.subplots(-(-len(models) // columns), columns, sharex=True, sharey=True, squeeze=False)
    for model, axes in zip(models, grid.ravel(), strict=False):
        draw_lines(axes, shares[shares["model"] == model], "depth", "value", styles, markers=True)
        axes.set(title=model if len(models) > 1 else "", xlabel="depth (0: first, 1: last layer)", ylabel="")
        axes.yaxis.set_major_formatter(PERCENT)
        axes.xaxis.set_tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.set_ylabel("high-frequency\nenergy (%)")
    for axes in grid.ravel()[len(models) :]:
        axes.set_axis_off()


def _draw_maps(figure: SubFigure, means: pd.Series, names: dict[str, str], columns: int, most: float) -> None:
    """Draw the mean share of every coefficient: rows are the first, middle and last layer, columns the variants.

    Args:
        figure: where to draw.
        means: the shares of one model, by variant, index of the layer, vertical and horizontal frequency.
        names: the variants that are shown, and how each is called.
        columns: for how many variants there is room.
        most: the end of the colour scale, in [0, 1].
    """
    shown = {name: _shown_layers(means[name]) for name in names}
    rows = [layer for layer in (_PATCHES, *_LAYERS) if any(layer in maps for maps in shown.values())]
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for column, (name, maps) in enumerate(shown.items()):
        grid[0, column].set_title(names[name], size=_NAME)
        for axes, layer in zip(grid[:, column], rows, strict=True):
            if layer in maps:
                _draw_map(axes, maps[layer], columns, most)
            else:
                axes.set_axis_off()
    for axes in grid[:, len(shown) :].ravel():
        axes.set_axis_off()
    for axes, layer in zip(grid[:, 0], rows, strict=True):
        # Not a label of the axis, which an empty panel does not show.
        axes.annotate(layer, (0, 0.5), (-14, 0), "axes fraction", "offset points", ha="right", va="center", size=_NAME)
    scale = figure.colorbar(ScalarMappable(Normalize(0, 100 * most), _HEAT), ax=grid, pad=0.02, aspect=15)
    scale.set_label("share of the\nlayer's energy (%)")
    scale.outline.set_visible(False)
    figure.supxlabel("horizontal frequency")
    figure.supylabel("vertical frequency")


def _draw_map(axes: Axes, shares: pd.DataFrame, columns: int, most: float) -> None:
    """Draw one layer's share of every coefficient (vertical x horizontal)."""
    side = max(shares.shape)
    written = min(_MAPS_WIDTH / columns / (side + 1), _MAP_HEIGHT / side) >= _WRITTEN_CELL
    # Not seaborn's: its heatmap draws the whole figure for each of the maps.
    cells = axes.pcolormesh(100 * shares, cmap=_HEAT, vmin=0, vmax=100 * most)
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    if written:
        for (row, column), share in np.ndenumerate(100 * shares):
            colour = "white" if relative_luminance(cells.to_rgba(share)) < _DARK else "black"
            axes.text(column + 0.5, row + 0.5, f"{share:.0f}", ha="center", va="center", size=_NAME, color=colour)
    axes.grid(visible=False)
    for axis, count in ((axes.xaxis, shares.shape[1]), (axes.yaxis, shares.shape[0])):
        frequencies = range(count) if written else sorted({0, count - 1})
        axis.set_ticks([k + 0.5 for k in frequencies], frequencies)
    axes.tick_params(rotation=0, length=0)
    axes.set(xlabel="", ylabel="")


def _shown_layers(means: pd.Series) -> dict[str, pd.DataFrame]:
    """Return the shares (vertical x horizontal) of a variant's first, middle and last layer, by which each is."""
    layers = means.reset_index().groupby("index")
    maps = [rows.pivot_table("value", "vertical", "horizontal") for _, rows in layers]
    if maps[0].shape[1] % 2 == 0:
        return {_PATCHES: maps[0]}
    first, middle, last = _LAYERS
    numbers = {len(maps) // 2: middle, len(maps) - 1: last, 0: first}  # in a small network some coincide
    return {numbers[number]: maps[number] for number in sorted(numbers)}
