"""Which frequencies of a class's labels networks learn on {dataset}, and when (Xu et al., 2019, 1901.06523, Figure 2).

Left the size of the labels' Fourier transform along the first principal component of the images, with the chosen
frequencies as squares. Right the relative error of the network's answer at each of them, over training: the size of the
difference of the two transforms, complex as they are, relative to the labels'. Dark is learned; means over
seeds. Epoch 0, before the training, has no place on a logarithmic axis.
"""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from filterfreq.evaluation.reading import read_results
from filterfreq.publishing.epoch_maps import add_strip_scale, draw_strips, logarithmic_ticks, make_groups
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import select
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, use_style, wrap_text
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Frequencies over training",
    needs=["response_frequency"],
    takes=["labels"],
    reads="over_training",
    when="measured_over_training",
)

_SCALE, _TICKS = Normalize(0.1, 0.5), (0.1, 0.2, 0.3, 0.4, 0.5)
_ROW_HEIGHT, _TITLE_WIDTH = 1.55, 46


def read(files: Sequence[str]) -> pd.DataFrame:
    """Read what the suite has measured of the snapshots of all runs.

    Raises:
        InputError: the file is missing, damaged, or was changed since it was written.
    """
    return read_results(files, suite="response_frequency")


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str]) -> Figure:
    """Draw a row of two panels for each model, variant, split and output.

    Args:
        results: of the suite, with the column epoch.
        labels: display labels of the variants by name, in order.

    Raises:
        InputError: no variant has a value after the start of its training.
    """
    frame = select(results, labels, ["response_frequency"])
    errors = frame[(frame["metric"] == "frequency_error") & (frame["epoch"] > 0)].dropna(subset="value")
    if errors.empty:
        raise InputError(f"there are no errors over training of {', '.join(labels)}: measure their snapshots")
    groups = make_groups(errors, labels)
    figure = new_figure(TEXT_WIDTH, 0.35 + _ROW_HEIGHT * len(groups))
    grid = figure.subplots(len(groups), 2, squeeze=False, width_ratios=(1, 1.25))
    for group, (left, right) in zip(groups, grid, strict=True):
        same = (frame[["model", "variant", "split"]] == [group.model, group.variant, group.split]).all(axis="columns")
        chosen = frame[same & (frame["metric"] == "chosen_frequency")].groupby("chosen")["value"].mean()
        _draw_labels(left, frame[same & (frame["metric"] == "label_magnitude")], chosen)
        left.set_title(wrap_text(group.title, _TITLE_WIDTH, 2), loc="left")
        means = group.frame.pivot_table(index="chosen", columns="epoch", values="value", aggfunc="mean")
        draw_strips(right, means, _SCALE, logarithmic=True)
        right.set_yticklabels([f"{chosen[number]:.2g}" for number in means.index])
        right.set_ylabel("k")
    grid[-1, 0].set_xlabel("frequency k")
    grid[-1, 1].set_xlabel("epoch")
    seeds = [group.frame["seed"].nunique() for group in groups]
    add_strip_scale(figure, grid[:, 1:], _SCALE, _TICKS, seeds)
    return figure


def _draw_labels(axes: Axes, magnitudes: pd.DataFrame, chosen: pd.Series) -> None:
    """Draw the labels' transform, a mean over seeds where these have other labels, and the chosen frequencies."""
    line = magnitudes.groupby("frequency")["value"].mean()
    axes.plot(line.index, line, color="0.35")
    nearest = [line.index[abs(line.index - frequency).argmin()] for frequency in chosen]
    axes.plot(nearest, line[nearest], "s", color="black", markersize=4, markeredgecolor="white", zorder=3)
    axes.set_yscale("log")
    ticks = logarithmic_ticks(*axes.get_ylim())
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("|ŷ(k)|")
