"""What the panels of several figures share: their grid, and what titles and legend say of seeds and images."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from filterfreq.publishing.phrases import images_phrase, images_range, is_one_seed, seeds_phrase
from filterfreq.publishing.style import COLUMN_WIDTH, PERCENT, TEXT_WIDTH, new_figure, wrap_text

_PANELS_IN_A_ROW = 4
_MOST_PANELS_IN_A_ROW = 5
_PANEL_WIDTH = 0.75  # from the first to the last value, of what a panel has of the figure's width
_CHARACTER, _TITLE_CHARACTER = 0.065, 0.068  # inches of one of a tick's and of a title's
_ACCURACIES = (0, 0.25, 0.5, 0.75, 1)
_LOW_ACCURACIES = (0, 0.05, 0.1, 0.15, 0.2, 0.25)


def scale_accuracies(axes: Axes, highest: float = 1) -> None:
    """Make the upright axis of a panel that of accuracies, which is the same in most figures: from 0 to 100 %.

    Args:
        axes: the panel.
        highest: the highest accuracy that it shows, where its scale may end at 25 % if that is not above.
    """
    is_low = highest <= _ACCURACIES[1]
    end = _ACCURACIES[1] if is_low else 1
    axes.set_ylim(-0.03 * end, 1.04 * end)
    axes.set_yticks(_LOW_ACCURACIES if is_low else _ACCURACIES)
    axes.yaxis.set_major_formatter(PERCENT)


def grid_shape(count: int, most: int) -> tuple[int, int]:
    """Return the rows and columns of so many panels: not higher than wide where that is possible, with few empty cells.

    Args:
        count: the panels, at least one.
        most: columns.
    """
    shapes = [(-(-count // columns), columns) for columns in range(1, min(count, most) + 1)]
    wide = [(rows, columns) for rows, columns in shapes if rows <= columns] or shapes[-1:]
    return min(wide, key=lambda shape: (shape[0] * shape[1], shape[0]))


def panel_grids(models: list[str], groups: Sequence[int]) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure with panels of accuracies for each model, and each model's panels.

    Args:
        models: the models, below each other.
        groups: the numbers of panels that belong together. They share a row if there are few; else each group has one,
            unless it is too large for that.
    """
    if sum(groups) <= _PANELS_IN_A_ROW:
        rows = [sum(groups)]
    elif max(groups) <= _MOST_PANELS_IN_A_ROW:
        rows = list(groups)
    else:
        rows = [min(_PANELS_IN_A_ROW, sum(groups) - first) for first in range(0, sum(groups), _PANELS_IN_A_ROW)]
    columns = max(rows)
    figure = new_figure(COLUMN_WIDTH if columns == 1 else TEXT_WIDTH, 0.3 + 1.75 * len(rows) * len(models))
    grid = figure.subplots(len(models) * len(rows), columns, sharey=True, squeeze=False)
    grids: list[list[Axes]] = []
    for model, top in zip(models, range(0, len(grid), len(rows)), strict=True):
        grids.append([])
        for count, cells in zip(rows, grid[top:], strict=False):
            cells[0].set_ylabel(f"{model}\naccuracy (%)" if len(models) > 1 else "accuracy (%)")
            scale_accuracies(cells[0])
            grids[-1] += list(cells[:count])
            for axes in cells[count:]:
                axes.set_axis_off()
    return figure, grids


def tick_measured(axes: Axes, values: Iterable[float]) -> None:
    """Put the ticks where something was measured: at the ends, then from the right where numbers have room."""
    texts = {value: f"{value:g}" for value in sorted(set(values))}
    columns = axes.get_subplotspec().get_gridspec().ncols
    scale = _PANEL_WIDTH * axes.figure.get_figwidth() / columns / ((max(texts) - min(texts)) or 1)
    kept: list[float] = []
    for value in dict.fromkeys([max(texts), min(texts), *reversed(texts)]):
        needed = {other: _CHARACTER * (len(texts[value] + texts[other]) / 2 + 1) for other in kept}
        if all(scale * abs(value - other) > width for other, width in needed.items()):
            kept.append(value)
    axes.set_xticks(sorted(kept), [texts[value] for value in sorted(kept)])


def shorten_title(title: str, axes: Axes) -> str:
    """Break a title, or the label of an axis, where it would be wider than its panel."""
    columns = axes.get_subplotspec().get_gridspec().ncols
    return wrap_text(title, int(axes.figure.get_figwidth() / columns / _TITLE_CHARACTER), 3)


def images_of_panels(counts: Mapping[Any, Iterable[float]]) -> tuple[dict[Any, str], str]:
    """Say on how many images panels stand: in each title where they differ in it, else once in the legend.

    Args:
        counts: for each panel the numbers of images behind its values.

    Returns:
        What each panel's title ends with, and what the legend's note ends with.
    """
    phrases = {panel: images_phrase(numbers) for panel, numbers in counts.items()}
    if len({images_range(numbers) for numbers in counts.values()}) > 1:
        return {panel: f",\n{phrase}" for panel, phrase in phrases.items()}, ""
    return dict.fromkeys(phrases, ""), "".join(f"; {phrase}" for phrase in set(phrases.values()))


def seeds_note(frame: pd.DataFrame, lines: str = "lines", bands: str = "bands") -> str:
    """Say what lines and bands are, and of how many seeds."""
    counts = frame.groupby(["model", "variant"], observed=True)["seed"].nunique()
    seeds = seeds_phrase(counts)
    return seeds if is_one_seed(counts) else f"{lines}: mean, {bands}: lowest to highest of {seeds}"


def seeds_and_images_note(frame: pd.DataFrame) -> str:
    """Say what `seeds_note` says, and on how many images each value stands."""
    return f"{seeds_note(frame)}; {images_phrase(frame['n'])}"
