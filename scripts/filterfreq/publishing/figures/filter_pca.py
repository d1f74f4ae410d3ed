"""The principal components of the 3x3 filters of the models of experiment *{experiment}*, over all of its data sets.

Of filters divided by their largest weight, without the sparse ones: of all models (full) and of each variant; where the
experiment names pairs, of all models in pairs (full), of treatments and of controls, each model once. Under each
component its share of the variance; black is negative, white positive, and the entry of the largest magnitude is
positive. Below, the shares added up, also those of the components of each model by itself.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from filterfreq.analysis.filter_statistics import POSITIONS, Basis, moments_table, pool_moments, principal_components
from filterfreq.analysis.pairs import Pairs
from filterfreq.publishing.filter_frames import batch_norm_phrase, filter_frames
from filterfreq.publishing.filter_styles import FULL, filter_groups
from filterfreq.publishing.phrases import range_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import (
    PERCENT,
    TEXT_WIDTH,
    VariantStyle,
    add_legend,
    new_figure,
    use_style,
    wrap_text,
)

PRODUCT = Product(
    title="Principal components of filters",
    needs=["filter_quality"],
    takes=["labels", "style_numbers", "pairs"],
    over="experiment",
)

_GREY = "gray"
_RUN = ["dataset", "model", "variant", "seed"]
_OF_MODELS = {"color": "0.65", "linewidth": 0.6}
_MOST_GROUPS = 5  # whose components are shown
_ROW, _CURVES = 0.85, 1.9  # inches of height
_NAME_WIDTH = 10  # characters


@use_style
def draw(
    results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None, pairs: Pairs = ()
) -> Figure:
    """Draw the components of each group of models as pictures, and how much of the variance the first ones explain.

    Args:
        results: tidy results of any number of data sets.
        labels: display labels of the variants by name, in order.
        style_numbers: the number of each variant's style.
        pairs: the pairs that the config names.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of filters.
    """
    frame = pd.concat(filter_frames(results, labels).values(), ignore_index=True)
    moments = moments_table(frame)
    groups = filter_groups(moments.index.to_frame(index=False), labels, style_numbers, pairs)
    bases = {}
    for name, (_, rows) in groups.items():
        found = pool_moments(moments[rows])
        if found.count > 1:
            bases[name] = principal_components(found)
    shown = list(bases)[:_MOST_GROUPS]
    heights = [_ROW * len(shown) + 0.2, _CURVES]
    figure = new_figure(TEXT_WIDTH, sum(heights))
    above, below = figure.subfigures(2, 1, height_ratios=heights)
    pooled = moments[groups[FULL][1]]
    by_model = [pool_moments(rows) for _, rows in pooled.groupby(level=_RUN, observed=True)]
    models = [principal_components(found) for found in by_model if found.count > 1]
    styles = {name: groups[name][0] for name in bases}
    _draw_components(above, {name: bases[name] for name in shown}, styles)
    axes = below.subplots()
    for basis in models:
        axes.plot(range(1, POSITIONS + 1), np.cumsum(basis.ratios), **_OF_MODELS)
    _draw_shares(axes, bases, styles)
    counts = pooled.groupby(level=_RUN, observed=True)[0].sum()
    extra = [Line2D([], [], label="each model by itself", **_OF_MODELS)]
    note = f"{len(counts)} models of {range_phrase(counts)} filters; {batch_norm_phrase(frame)}"
    add_legend(figure, styles, extra=extra, note=note)
    return figure


def _draw_components(figure: SubFigure, bases: dict[str, Basis], styles: dict[str, VariantStyle]) -> None:
    """Draw a row of components for each group."""
    most = max(np.abs(basis.components).max() for basis in bases.values())
    scale = Normalize(-most, most)
    grid = figure.subplots(len(bases), POSITIONS, squeeze=False)
    first = next(iter(bases.values())).components
    for row, (name, basis) in zip(grid, bases.items(), strict=True):
        # A component's sign says nothing: each is turned towards that of the first group.
        turned = basis.components * np.where((basis.components * first).sum(axis=1) < 0, -1, 1)[:, None]
        for axes, component, share in zip(row, turned, basis.ratios, strict=True):
            axes.imshow(component.reshape(3, 3), cmap=_GREY, norm=scale, interpolation="none")
            axes.set(xticks=[], yticks=[], xlabel=f"{100 * share:.1f} %")
            axes.grid(visible=False)
        row[0].set_ylabel(wrap_text(styles[name].label, _NAME_WIDTH, 3))
    bar = figure.colorbar(ScalarMappable(scale, _GREY), ax=grid, aspect=8 * len(bases), pad=0.02)
    bar.set_label("entry of the component")
    bar.outline.set_visible(False)


def _draw_shares(axes: Axes, bases: dict[str, Basis], styles: dict[str, VariantStyle]) -> None:
    """Draw the cumulative shares of all groups."""
    for name, basis in bases.items():
        style = styles[name]
        look = {"color": style.colour, "marker": style.marker, "linestyle": (0, style.dashes)}
        axes.plot(range(1, POSITIONS + 1), np.cumsum(basis.ratios), markeredgecolor="white", **look)
    axes.set(xlabel="number of components", ylabel="explained variance (%)")
    axes.yaxis.set_major_formatter(PERCENT)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
