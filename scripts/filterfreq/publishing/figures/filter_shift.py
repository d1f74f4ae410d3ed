"""How far the 3x3 filters of compared models of experiment *{experiment}* differ, by depth in the network.

The shift is the symmetric Kullback-Leibler divergence (in nats) of the histograms of coefficients in the common basis,
70 bins, averaged over components by their explained variance. Groups pool the filters of all treatments, and of all
controls, of a data set: filled marks count a control in each of its pairs, large hollow ones each model once. Where the
experiment names no pairs, each variant is compared with the baseline. Empty bins make groups of few filters differ
more: compare only bins with as many filters.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from filterfreq.analysis.filter_statistics import DEPTH_BINS
from filterfreq.analysis.pairs import Pairs
from filterfreq.publishing.filter_coefficients import Coefficients, Groups, compared_groups, read_coefficients
from filterfreq.publishing.filter_frames import PAIRED, batch_norm_words
from filterfreq.publishing.filter_styles import DEPTH_LABEL, DEPTH_TICKS
from filterfreq.publishing.phrases import range_phrase
from filterfreq.publishing.published_filters import SHIFT_BY_DEPTH
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, VariantStyle, add_legend, new_figure, use_style, variant_styles

PRODUCT = Product(
    title="Shift of filters by depth",
    needs=["filter_quality"],
    takes=["labels", "style_numbers", "baseline", "pairs", "controls"],
    reads="filter_coefficients",
    over="experiment",
    when="compared",
)

_PANEL = 2.1  # inches of height
_PUBLISHED_COLOUR = "0.25"

read = read_coefficients


@use_style
def draw(
    found: Coefficients,
    labels: dict[str, str],
    baseline: str,
    pairs: Pairs = (),
    controls: str = "each_pair",
    style_numbers: Mapping[str, int] | None = None,
) -> Figure:
    """Draw the shift of each depth bin, a panel for each data set.

    Args:
        found: what `read` returns.
        labels: display labels of the variants by name, in order.
        baseline: the control where the config names no pairs.
        pairs: the pairs that the config names.
        controls: "each_pair", so that a control of k pairs counts k times, or "once".
        style_numbers: the number of each variant's style.

    Raises:
        InputError: there is nothing to compare.
    """
    groups = compared_groups(found.counts, labels, baseline, pairs, controls, PAIRED)
    styles = variant_styles(labels, style_numbers)
    styles = {name: style for name, style in styles.items() if name in {one.name for one in groups}}
    styles = styles or variant_styles({PAIRED: "treatments against controls"})
    datasets = list(dict.fromkeys(one.dataset for one in groups))
    figure = new_figure(TEXT_WIDTH, _PANEL * len(datasets))
    grid = figure.subplots(len(datasets), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    extra: dict[str, Line2D] = {}
    sizes = []
    for axes, dataset in zip(grid, datasets, strict=True):
        for one in groups:
            if one.dataset == dataset:
                sizes += _draw_group(axes, found, one, styles[one.name], extra)
        if pairs and dataset in SHIFT_BY_DEPTH:
            values = np.array(SHIFT_BY_DEPTH[dataset], dtype=float)
            look = {
                "linestyle": "none",
                "marker": "_",
                "markersize": 12,
                "markeredgewidth": 1.6,
                "color": _PUBLISHED_COLOUR,
            }
            axes.plot(range(len(DEPTH_BINS)), values, **look)
            label = "published: 71 pairs of Gavrikov and Keuper (2022)"
            extra["published"] = Line2D([], [], label=label, **look)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_ylabel(f"{dataset}\nshift (nats)" if len(datasets) > 1 else "shift (nats)")
    grid[-1].set_xticks(range(len(DEPTH_BINS)), DEPTH_TICKS)
    grid[-1].set_xlabel(DEPTH_LABEL)
    against = "" if pairs else f"against {labels[baseline]}; "
    note = f"{against}{range_phrase(sizes)} filters in a group; {batch_norm_words(found.batch_norm)}"
    add_legend(figure, styles, extra=list(extra.values()), note=note)
    return figure


def _draw_group(
    axes: Axes, found: Coefficients, groups: Groups, style: VariantStyle, extra: dict[str, Line2D]
) -> list[float]:
    """Draw the shifts of one comparison; return the numbers of filters in its groups, of each bin that has some."""
    look = {"color": style.colour, "linestyle": (0, style.dashes), "marker": style.marker}
    axes.plot(*_shifts(found, groups), markeredgecolor="white", **look)
    if groups != groups.each_once:
        look |= {"markerfacecolor": "white", "linestyle": "none", "markersize": 7, "zorder": 1.5}
        axes.plot(*_shifts(found, groups.each_once), **look)
        extra["once"] = Line2D([], [], label="each model once", **look)
    counts = [
        found.pool(members, [name])[0].sum()
        for members in (groups.each_once.treatments, groups.each_once.controls)
        for name in DEPTH_BINS
    ]
    return [count for count in counts if count]


def _shifts(found: Coefficients, groups: Groups) -> tuple[list[int], list[float]]:
    values = [found.shift(groups.treatments, groups.controls, [name]) for name in DEPTH_BINS]
    measured = [number for number, value in enumerate(values) if not np.isnan(value)]
    return measured, [values[number] for number in measured]
