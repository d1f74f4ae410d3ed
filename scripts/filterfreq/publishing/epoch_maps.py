"""Maps of what was measured over training: epochs along, a strip for each of what is compared."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from filterfreq.publishing.map_panels import HEAT, add_scale
from filterfreq.publishing.phrases import is_one_seed, seeds_phrase

_KEYS = ["model", "variant", "split", "output"]
_MOST_POWERS = 5  # of ten, on a logarithmic axis that numbers each of them


class Group(NamedTuple):
    """What has panels of its own.

    Attributes:
        title: which of models, variants, splits and outputs it is, of those of which there are several.
        model, variant, split, output: which it is.
        frame: its rows.
    """

    title: str
    model: str
    variant: str
    split: str
    output: str
    frame: pd.DataFrame


def make_groups(frame: pd.DataFrame, labels: Mapping[str, str]) -> list[Group]:
    """Return the rows of each model, variant, split and output, in their order.

    Args:
        frame: what `filterfreq.publishing.selection.select` returns, with a row at least.
        labels: display labels of the variants by name.
    """
    found = list(frame.groupby(_KEYS, observed=True))
    groups = []
    for values, rows in found:
        said = dict(zip(_KEYS, values, strict=True))
        words = {**said, "variant": labels[said["variant"]], "split": f"{said['split']} images"}
        varying = [key for number, key in enumerate(_KEYS) if len({other[number] for other, _ in found}) > 1]
        groups.append(Group(", ".join(words[key] for key in varying), *values, rows))
    return groups


def draw_strips(axes: Axes, means: pd.DataFrame, scale: Normalize, *, logarithmic: bool = False) -> None:
    """Draw a strip of colours for each row, the first one at the bottom; each epoch reaches half-way to the next one.

    Args:
        axes: where to draw.
        means: values, rows of what is compared, a column for each epoch; of a logarithmic axis above 0.
        scale: of the colours.
        logarithmic: whether the axis of epochs is.
    """
    epochs = means.columns.to_numpy(float)
    edges = np.exp(_edges(np.log(epochs))) if logarithmic else _edges(epochs)
    if not logarithmic and len(epochs) > 1:
        edges[[0, -1]] = epochs[[0, -1]]
    cells = np.ma.masked_invalid(means.to_numpy(float))
    axes.pcolormesh(edges, np.arange(len(means) + 1) - 0.5, cells, cmap=HEAT, norm=scale, rasterized=True)
    axes.grid(visible=False)
    if logarithmic:
        axes.set_xscale("log")
        shown = logarithmic_ticks(edges[0], edges[-1])
        axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
        axes.minorticks_off()
    axes.set_xlim(edges[0], edges[-1])
    axes.set_yticks(range(len(means)))


def add_strip_scale(
    figure: Figure, grid: np.ndarray, scale: Normalize, ticks: Sequence[float], seeds: Iterable[int]
) -> None:
    """Put the colour scale of strips at their right, and say over how many seeds they are means.

    Args:
        figure: that of the strips.
        grid: the axes that it stands beside, rows x columns.
        scale: of the colours; what is beyond its ends has the colour of the end.
        ticks: the values that are numbered.
        seeds: how many each strip is of.
    """
    said = "" if is_one_seed(seeds) else f",\nmean of {seeds_phrase(seeds)}"
    add_scale(figure, list(grid.ravel()), len(grid), scale, f"relative error{said}", extend="both", ticks=ticks)


def logarithmic_ticks(low: float, high: float) -> list[float]:
    """Return round numbers for a logarithmic axis: powers of ten, and others between them where these are few.

    Args:
        low: its lower end, above 0.
        high: its upper end.
    """
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    digits = range(1, 10) if high < 4 * low else (1, 2, 5) if high < 40 * low else (1,)
    step = -(-len(powers) // _MOST_POWERS) if digits == (1,) else 1
    ticks = [digit * 10.0**power for power in powers[::step] for digit in digits]
    return [tick for tick in ticks if low <= tick <= high]


def _edges(positions: np.ndarray) -> np.ndarray:
    """The edges of cells round positions, half-way to the next; a single one is a cell of width 1."""
    if len(positions) == 1:
        return positions[0] + np.array([-0.5, 0.5])
    between = (positions[1:] + positions[:-1]) / 2
    return np.concatenate([[2 * positions[0] - between[0]], between, [2 * positions[-1] - between[-1]]])
