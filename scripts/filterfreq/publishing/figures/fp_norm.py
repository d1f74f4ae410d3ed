"""What a high frequency costs: sines at random points, learned by LFP and by wide two-layer networks.

LFP is the linear frequency principle (Zhang et al., arXiv 1905.10264). Left, the FP norm of the sine and of the LFP
solution against the sine's frequency k, for each number n of points in [0, 1]; middle, the mean absolute error over
[0, 1], solid of the LFP solution and dotted of the network; right, that of the LFP solution against n for the lowest
and the highest k, and dashed the bound on it. Means over seeds.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from filterfreq.publishing.function_panels import read_fit, rows_of, scale_decades
from filterfreq.publishing.phrases import is_one_seed, seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, add_legend, new_figure, use_style

PRODUCT = Product(title="FP norm", needs=["fp_norm"], takes=["labels"], reads="fits", over="fit", note="")

_ROW_HEIGHT = 2.3  # inches
_MARKERS = "osD^vPX<>*"
_DOTS, _DASHES = (0, (1, 1)), (0, (4, 1.5))


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit."""
    return read_fit(files, "fp_norm")


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw three panels for each network, over all variants, which differ in the number of points.

    Args:
        results: what `read` returns.
        labels: of the variants.

    Raises:
        InputError: there are no norms of these variants.
    """
    metrics = ("fp_norm", "test_error", "generalisation_bound")
    norms, errors, bounds = (rows_of(results, metric, labels) for metric in metrics)
    networks = list(norms["model"].unique())
    figure = new_figure(TEXT_WIDTH, 0.3 + _ROW_HEIGHT * len(networks))
    grid = figure.subplots(len(networks), 3, squeeze=False)
    counts = sorted(norms["points"].unique())
    looks = dict(zip(counts, _looks(len(counts)), strict=True))
    for network, (left, middle, right) in zip(networks, grid, strict=True):
        norm, error, bound = (rows[rows["model"] == network] for rows in (norms, errors, bounds))
        _draw_norms(left, norm, looks)
        _draw_errors(middle, error, looks)
        _draw_bound(right, error, bound)
        left.set_title(network if len(networks) > 1 else "")
    handles: list[Artist] = [Line2D([], [], label=f"n = {count}", **look) for count, look in looks.items()]
    handles += [
        Line2D([], [], color="black", linestyle=dashes, label=label)
        for label, dashes in (("LFP", "-"), ("network", _DOTS), ("sine, or bound", _DASHES))
    ]
    seeds = norms.groupby(["model", "points"])["seed"].nunique()
    add_legend(figure, {}, extra=handles, note="" if is_one_seed(seeds) else f"mean of {seeds_phrase(seeds)}")
    return figure


def _looks(count: int) -> list[dict]:
    """Light to dark for fewer to more points, each with a marker of its own."""
    return [
        {"color": colour, "marker": _MARKERS[number % len(_MARKERS)], "markeredgecolor": "white"}
        for number, colour in enumerate(sns.color_palette("mako_r", count + 2)[2:])
    ]


def _means(rows: pd.DataFrame, by: str) -> pd.Series:
    means = rows.groupby(by)["value"].mean()
    return means.set_axis(means.index.to_numpy(float))


def _draw_norms(axes: Axes, norms: pd.DataFrame, looks: dict[int, dict]) -> None:
    for count, look in looks.items():
        axes.plot(_means(norms[(norms["of"] == "lfp") & (norms["points"] == count)], "frequency"), **look)
    axes.plot(_means(norms[norms["of"] == "target"], "frequency"), color="black", linestyle=_DASHES)
    axes.set_ylabel("FP norm")
    _scale(axes)


def _draw_errors(axes: Axes, errors: pd.DataFrame, looks: dict[int, dict]) -> None:
    for of, dashes in (("lfp", "-"), ("network", _DOTS)):
        for count, look in looks.items():
            rows = errors[(errors["of"] == of) & (errors["points"] == count)]
            axes.plot(_means(rows, "frequency"), linestyle=dashes, **look)
    axes.set_ylabel("mean absolute error")
    _scale(axes)


def _draw_bound(axes: Axes, errors: pd.DataFrame, bounds: pd.DataFrame) -> None:
    frequencies = sorted(errors["frequency"].unique())
    ends = dict.fromkeys([frequencies[0], frequencies[-1]])
    for frequency, colour in zip(ends, ("black", "0.55"), strict=False):
        error = errors[(errors["frequency"] == frequency) & (errors["of"] == "lfp")]
        line = {"color": colour, "marker": "o", "markeredgecolor": "white"}
        axes.plot(_means(error, "points"), label=f"k = {frequency}", **line)
        axes.plot(_means(bounds[bounds["frequency"] == frequency], "points"), linestyle=_DASHES, **line)
    axes.set(xscale="log", xlabel="n (points)", ylabel="error of LFP, and bound")
    counts = sorted(errors["points"].astype(int).unique())
    axes.set_xticks(counts, [str(count) for count in counts])
    scale_decades(axes)
    axes.margins(x=0.08)
    axes.legend()


def _scale(axes: Axes) -> None:
    scale_decades(axes)
    axes.margins(x=0.08)
    axes.set_xlabel("k (cycles per unit)")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
