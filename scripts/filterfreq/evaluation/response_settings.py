"""What the suite `response_frequency` measures, by default and as the config asks. Imports no torch.

Xu et al., 2019, arXiv 1901.06523, Figure 2: the grids and the chosen frequencies of MNIST and CIFAR-10 are read off
that figure.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from filterfreq.frequencies.peaks import highest_peaks, nearest_points
from filterfreq.runtime.errors import InputError

PEAKS = 3
"""How many peaks the rule `peaks` chooses beside the frequency 0."""
_POINTS = 100


class PublishedGrid(NamedTuple):
    """What the paper shows of one data set: the highest frequency, and those that are chosen."""

    highest: float
    chosen: tuple[float, ...]


PUBLISHED_GRIDS: Mapping[str, PublishedGrid] = {
    "mnist": PublishedGrid(0.5, (0, 0.11, 0.19, 0.30)),
    "cifar10": PublishedGrid(0.165, (0, 0.035, 0.09, 0.15)),
}


def complete_settings(settings: Mapping[str, Any], dataset: str) -> dict[str, Any]:
    """Return the settings of the suite for a data set, with what the paper has of it where they say nothing.

    Args:
        settings: as the schema of the suite describes them.
        dataset: its name.

    Returns:
        With highest, points, chosen ("peaks", or the frequencies wanted), class, output and split.

    Raises:
        InputError: the paper has no such data set and the settings do not say what is needed, or a frequency that is to
            be chosen is beyond the grid, or has the nearest point of another one; the sentence begins with the key.
    """
    published = PUBLISHED_GRIDS.get(dataset)
    known = " and ".join(PUBLISHED_GRIDS)
    if published is None and "highest" not in settings:
        raise InputError(
            f"highest: it is missing, and the paper has grids of frequencies for {known} alone, none for {dataset}: "
            "add it"
        )
    chosen = settings.get("chosen", "peaks" if published is None else "paper")
    if chosen == "paper":
        if published is None:
            raise InputError(
                f"chosen: the paper chooses no frequencies for {dataset}, only for {known}: write peaks, or list them"
            )
        chosen = published.chosen
    complete = {"points": _POINTS, "class": 0, "output": "probability", "split": ["train"], **settings}
    complete = {**complete, "highest": settings.get("highest", published and published.highest), "chosen": chosen}
    if chosen != "peaks":
        _check_chosen(chosen, complete["highest"], frequency_grid(complete))
    return complete


def frequency_grid(settings: Mapping[str, Any]) -> np.ndarray:
    """Return the frequencies that are measured, even from 0 to the highest: float64, K."""
    return np.linspace(0, settings["highest"], settings["points"])


def chosen_points(settings: Mapping[str, Any], magnitudes: np.ndarray) -> list[int]:
    """Return the indices of the chosen frequencies on the grid: the nearest ones, or 0 and the highest peaks.

    Args:
        settings: what `complete_settings` returns.
        magnitudes: of the labels' transform on the grid, float, K.
    """
    if settings["chosen"] == "peaks":
        return [0, *highest_peaks(magnitudes, PEAKS)]
    return nearest_points(frequency_grid(settings), np.array(settings["chosen"]))


def _check_chosen(chosen: Sequence[float], highest: float, grid: np.ndarray) -> None:
    beyond = [frequency for frequency in chosen if frequency > highest]
    if beyond:
        raise InputError(
            f"chosen: {beyond[0]:g} is beyond the highest frequency of the grid, {highest:g}: raise highest, or leave "
            "it out"
        )
    nearest = nearest_points(grid, np.array(chosen))
    for number, other in enumerate(chosen):
        if nearest[number] in nearest[:number]:
            raise InputError(
                f"chosen: {chosen[nearest.index(nearest[number])]:g} and {other:g} have the same nearest point of "
                f"{len(grid)}: leave one out, or raise points"
            )
