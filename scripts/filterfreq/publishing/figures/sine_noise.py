"""Losses of networks whose labels have a sine of the image's norm added (Rahaman et al., ICML 2019, Figures 4, 11).

Above on validation images, without noise; below on the training images, with it. Panels of one frequency k compare
amplitudes β, panels of one amplitude compare frequencies. Marks are where the validation loss is lowest. Lines are
means over seeds, bands reach from the lowest to the highest seed.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from string import ascii_lowercase
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from filterfreq.evaluation.reading import read_results
from filterfreq.fits.registry import FITS
from filterfreq.publishing.loss_panels import draw_losses, mark_lowest
from filterfreq.publishing.panels import seeds_note
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import (
    TEXT_WIDTH,
    VariantStyle,
    add_legend,
    new_figure,
    use_style,
    variant_styles,
    wrap_text,
)
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Noise of one frequency on labels",
    needs=["sine_noise"],
    takes=["labels", "fit_settings"],
    reads="fits",
    over="fit",
    note="",
)

_SYMBOLS = {"frequency": "k", "amplitude": "β"}
_LOSSES = {"validation_loss": "validation loss", "train_loss": "training loss"}
_MOST_COLUMNS = 4
_PANEL_HEIGHT, _LEGEND_LINE = 1.45, 0.15  # inches
_LEGEND_WIDTH, _LEGEND_LINES = 22, 2  # characters and lines of a label


class NoisePanel(NamedTuple):
    """What a panel compares: its title, and the variants in it with what the legend calls them."""

    title: str
    variants: dict[str, str]


def noise_panels(settings: Mapping[str, Mapping[str, Any]], labels: Mapping[str, str]) -> list[NoisePanel]:
    """Say which variants stand in one panel.

    A panel has one frequency or one amplitude, and all variants without noise. Of frequencies those are shown that the
    most amplitudes were trained at, and likewise of amplitudes, so that a few in the middle of a grid make four panels.

    Args:
        settings: of the variants, in order.
        labels: of them.

    Returns:
        Those of frequencies before those of amplitudes; one of all variants where none has company.
    """
    noisy = {name: entry for name, entry in settings.items() if entry["amplitude"] and entry["frequency"]}
    pure = {name: "no noise" for name in settings if name not in noisy}
    panels = []
    for fixed, varied in (("frequency", "amplitude"), ("amplitude", "frequency")):
        values = {entry[fixed]: set() for entry in noisy.values()}
        for entry in noisy.values():
            values[entry[fixed]].add(entry[varied])
        most = max(map(len, values.values()), default=0)
        for value in sorted(value for value, others in values.items() if len(others) == most > 1):
            inside = [name for name, entry in noisy.items() if entry[fixed] == value]
            inside.sort(key=lambda name: noisy[name][varied])
            texts = {name: f"{_SYMBOLS[varied]} = {noisy[name][varied]:g}" for name in inside}
            panels.append(NoisePanel(f"{_SYMBOLS[fixed]} = {value:g}", _tell_apart({**pure, **texts}, labels)))
    return panels or [NoisePanel("", {name: labels[name] for name in settings})]


def _tell_apart(texts: dict[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """Return the labels in place of texts that several variants share, which differ in another setting."""
    shared = list(texts.values())
    return {name: labels[name] if shared.count(text) > 1 else text for name, text in texts.items()}


def read(files: Iterable[str | Path]) -> pd.DataFrame:
    """Read the aggregated results of one fit.

    Raises:
        InputError: see `filterfreq.evaluation.reading.read_results`.
    """
    return read_results(files, suite="sine_noise", known=FITS)


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], fit_settings: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw both losses against the iteration, a column for each panel of `noise_panels`.

    Args:
        results: what `read` returns.
        labels: of the variants, in order.
        fit_settings: of the variants.

    Raises:
        InputError: there are no losses of these variants.
    """
    frame = results[results["variant"].isin(list(labels)) & results["metric"].isin(list(_LOSSES))]
    if frame.empty:
        raise InputError(f"there are no losses of the variants {', '.join(labels)}: run the fit")
    present = {name: fit_settings[name] for name in labels if name in set(frame["variant"])}
    panels = noise_panels(present, labels)
    networks = list(frame["model"].unique())
    blocks = [
        (network, panels[first : first + _MOST_COLUMNS])
        for network in networks
        for first in range(0, len(panels), _MOST_COLUMNS)
    ]
    legend = _LEGEND_LINE * (1 + max(len(panel.variants) for panel in panels))
    columns = min(len(panels), _MOST_COLUMNS)
    width = TEXT_WIDTH if columns > 2 else TEXT_WIDTH * (columns + 1) / 4
    figure = new_figure(width, 0.2 + (2 * _PANEL_HEIGHT + legend) * len(blocks))
    ratios = [_PANEL_HEIGHT, _PANEL_HEIGHT, legend] * len(blocks)
    grid = figure.subplots(len(ratios), columns, sharey="row", squeeze=False, height_ratios=ratios)
    for axes in grid.ravel():
        axes.set_axis_off()
    letters = iter(ascii_lowercase * len(blocks))
    for number, (network, shown) in enumerate(blocks):
        rows = frame[frame["model"] == network]
        for panel, cells in zip(shown, grid[3 * number : 3 * number + 3].T, strict=False):
            title = f"({next(letters)}) {panel.title}".rstrip() if len(panels) > 1 else panel.title
            _draw_panel(cells, rows, panel, title if len(networks) == 1 else f"{title}, {network}")
        for axes, name in zip(grid[3 * number :, 0], _LOSSES.values(), strict=False):
            axes.set_ylabel(name)
    add_legend(figure, {}, note=f"{seeds_note(frame)}; marks: lowest validation loss")
    return figure


def _draw_panel(cells: Iterable[Axes], frame: pd.DataFrame, panel: NoisePanel, title: str) -> None:
    """Draw the two losses of a panel, and under them its legend."""
    *upper, below = cells
    styles = variant_styles(panel.variants)
    for axes, metric in zip(upper, _LOSSES, strict=True):
        axes.set_axis_on()
        values = frame[(frame["metric"] == metric) & frame["variant"].isin(list(styles))]
        draw_losses(axes, values, styles)
        axes.set_xlabel("iteration" if metric == "train_loss" else "")
        if metric == "validation_loss":
            mark_lowest(axes, values, styles)
    upper[0].set_title(wrap_text(title, _LEGEND_WIDTH, _LEGEND_LINES))
    below.legend(handles=[_handle(style) for style in styles.values()], loc="upper center", handlelength=2.5)


def _handle(style: VariantStyle) -> Line2D:
    label = wrap_text(style.label, _LEGEND_WIDTH, _LEGEND_LINES)
    return Line2D(
        [], [], color=style.colour, linestyle=(0, style.dashes), marker=style.marker, mfc="white", label=label
    )
