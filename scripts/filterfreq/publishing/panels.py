"""What the panels of several figures share: their grid, and what titles and legend say of seeds and images."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from filterfreq.publishing.phrases import images_phrase, images_range, is_one_seed, seeds_phrase
from filterfreq.publishing.style import COLUMN_WIDTH, PERCENT, TEXT_WIDTH, new_figure

_PANELS_IN_A_ROW = 4
_ACCURACIES = (0, 0.25, 0.5, 0.75, 1)


def scale_accuracies(axes: Axes) -> None:
    """Make the upright axis of a panel that of accuracies, which is the same in all figures: from 0 to 100 %."""
    axes.set_ylim(-0.03, 1.04)
    axes.set_yticks(_ACCURACIES)
    axes.yaxis.set_major_formatter(PERCENT)


def panel_grids(models: list[str], panels: int) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure with so many panels of accuracies for each model, at most four in a row, and the panels."""
    rows = -(-panels // _PANELS_IN_A_ROW)
    columns = -(-panels // rows)
    figure = new_figure(COLUMN_WIDTH if columns == 1 else TEXT_WIDTH, 0.3 + 1.75 * rows * len(models))
    grid = figure.subplots(len(models) * rows, columns, sharey=True, squeeze=False)
    grids = [grid[top : top + rows].ravel() for top in range(0, len(models) * rows, rows)]
    for model, cells in zip(models, grids, strict=True):
        for axes in cells[panels:]:
            axes.set_axis_off()
        for axes in cells[::columns]:
            axes.set_ylabel(f"{model}\naccuracy (%)" if len(models) > 1 else "accuracy (%)")
            scale_accuracies(axes)
    return figure, [list(cells[:panels]) for cells in grids]


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
