"""What the panels of several figures share: curves under attack, titles, and what the legend says."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from filterfreq.publishing.measures import matching_clean_accuracies
from filterfreq.publishing.selection import images_phrase, seeds_phrase
from filterfreq.publishing.style import COLUMN_WIDTH, PERCENT, TEXT_WIDTH, escape_dollars, new_figure

_NORMS = {"linf": r"$\ell_\infty$", "l2": r"$\ell_2$"}
_PANELS_IN_A_ROW = 4


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
            axes.set_ylim(-0.03, 1.04)
            axes.yaxis.set_major_formatter(PERCENT)
    return figure, [list(cells[:panels]) for cells in grids]


def attack_curve(frame: pd.DataFrame, attack: str, norm: str, clean: bool = True) -> pd.DataFrame:
    """Return the accuracies under one attack with `epsilon` in the panel's unit; as epsilon 0 those without attack."""
    rows = rows_of_attack(frame, attack, norm)
    rows = rows.assign(epsilon=rows["epsilon_value"].astype(float) * (255 if norm == "linf" else 1))
    return (
        pd.concat([matching_clean_accuracies(frame, rows).assign(epsilon=0.0), rows], ignore_index=True)
        if clean
        else rows
    )


def rows_of_attack(frame: pd.DataFrame, attack: str, norm: str) -> pd.DataFrame:
    """Return the results under one attack with one norm."""
    return frame[(frame["attack"] == attack) & (frame["norm"] == norm)]


def images_of_panels(images: Mapping[Any, str]) -> tuple[dict[Any, str], str]:
    """Say on how many images panels stand: in each title where they differ in it, else once in the legend.

    Args:
        images: for each panel what `images_phrase` says of it.

    Returns:
        What each panel's title ends with, and what the legend's note ends with.
    """
    if len(set(images.values())) > 1:
        return {panel: f",\n{phrase}" for panel, phrase in images.items()}, ""
    return dict.fromkeys(images, ""), "".join(f"; {phrase}" for phrase in set(images.values()))


def seeds_note(frame: pd.DataFrame, lines: str = "lines", bands: str = "bands") -> str:
    """Say what lines and bands are, and of how many seeds."""
    seeds = seeds_phrase(frame.groupby(["model", "variant"], observed=True)["seed"].nunique())
    return seeds if seeds == "1 seed" else f"{lines}: mean, {bands}: lowest to highest of {seeds}"


def seeds_and_images_note(frame: pd.DataFrame) -> str:
    """Say what `seeds_note` says, and on how many images each value stands."""
    return f"{seeds_note(frame)}; {images_phrase(frame['n'])}"


def norm_formula(norm: str) -> str:
    """Return a norm as a formula, or as it is called where it is none of ours."""
    return _NORMS.get(norm, escape_dollars(norm))


def epsilon_label(norm: str) -> str:
    """Return the title of an axis of epsilons: of Linf they are in 255ths, else they are lengths in the norm."""
    unit = "/255" if norm == "linf" else f"{norm_formula(norm)} norm"
    return rf"perturbation $\varepsilon$ ({unit})"
