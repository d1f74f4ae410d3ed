"""Accuracy under the corruptions of *{dataset}* against their high-frequency energy.

A point is a corruption: the accuracy of a variant less that of the baseline, the mean over severities and over seeds
that both have, against the share of the corruption's energy at high frequencies. Lines are least-squares lines; the
residual is the sum of their squared residuals. In brackets is the slope's 95 % interval over draws of corruptions.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from filterfreq.publishing.corruptions import corruption_label
from filterfreq.publishing.energy_slopes import EnergySlopes, energy_slopes
from filterfreq.publishing.numbers import interval_text, number_text, percent_text
from filterfreq.publishing.phrases import images_phrase, seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import select
from filterfreq.publishing.style import (
    PERCENT,
    TEXT_WIDTH,
    VariantStyle,
    add_legend,
    new_figure,
    use_style,
    variant_styles,
    wrap_text,
)

PRODUCT = Product(
    title="Accuracy against high-frequency energy",
    needs=["corruption", "spectra"],
    takes=["labels", "style_numbers", "baseline"],
    when="slopes_fitted",
)

_NAME = 6.5  # points of height that a corruption's name takes, at 7 points
_PANEL, _NAMES = 2.3, 1.1  # inches of height
_LABEL_WIDTH = 30  # characters of the baseline's name beside the axis
_LEGEND_WIDTH = 45  # characters of a variant's name in the legend


@use_style
def draw(
    results: pd.DataFrame, labels: dict[str, str], baseline: str, style_numbers: Mapping[str, int] | None = None
) -> Figure:
    """Draw the points and lines of every variant, one panel for each model.

    Yin et al. (NeurIPS 2019), Figure 6. With one model the legend has mean accuracy, slope and residual, as there.

    Raises:
        InputError: see `filterfreq.publishing.energy_slopes.energy_slopes`.
    """
    found = energy_slopes(results, labels, baseline)
    # Other models have no run of the baseline to be compared with.
    models = list(found.changes.index.unique("model"))
    compared = {baseline, *found.changes.index.unique("variant")}
    styles = variant_styles({name: label for name, label in found.variants.items() if name in compared}, style_numbers)
    figure = new_figure(TEXT_WIDTH, (_PANEL + _NAMES) * len(models))
    grid = figure.subplots(len(models), 1, squeeze=False, sharex=True)[:, 0]
    for model, axes in zip(models, grid, strict=True):
        _draw_model(axes, found, model, styles, baseline)
        if len(models) > 1:  # above are the names of the corruptions
            axes.set_ylabel(f"{model}\n{axes.get_ylabel()}")
        _name_corruptions(axes, found.energies)
    grid[-1].set_xlabel("share of the corruption's energy at high frequencies")
    frame = select(results, labels, ["corruption"])
    note = f"{seeds_phrase(found.counts)}; {images_phrase(frame['n'])}"
    if len(models) == 1:
        styles = {name: style._replace(label=_label(found, models[0], name, style)) for name, style in styles.items()}
        note = f"below the names: mean accuracy, slope k with its 95 % interval, residual r; {note}"
    # Of the baseline there are no points.
    styles[baseline] = styles[baseline]._replace(marker="")
    add_legend(figure, styles, note=note)
    return figure


def _draw_model(axes: Axes, found: EnergySlopes, model: str, styles: Mapping[str, VariantStyle], baseline: str) -> None:
    ends = np.array([0, found.energies.max()])
    for name, style in styles.items():
        look = {"color": style.colour, "linestyle": (0, style.dashes)}
        if name == baseline:
            axes.plot(ends, [0, 0], **look)
        elif (model, name) in found.changes.index:
            axes.scatter(
                found.energies,
                found.changes.loc[(model, name)],
                s=16,
                color=style.colour,
                marker=style.marker,
                edgecolor="white",
                linewidth=0.4,
            )
        if (model, name) in found.lines:
            line = found.lines[model, name]
            axes.plot(ends, line.slope * ends + line.intercept, **look)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_ylabel(f"accuracy less that of\n{wrap_text(styles[baseline].label, _LABEL_WIDTH, 1)} (points)")


def _label(found: EnergySlopes, model: str, name: str, style: VariantStyle) -> str:
    """What the legend says of a variant: its label, and in a line below its numbers."""
    accuracy = percent_text(found.accuracies.loc[(model, name)].mean())
    label = f"{wrap_text(style.label, _LEGEND_WIDTH, 2)}:\n{accuracy} %"
    if (model, name) not in found.lines:
        return label
    line = found.lines[model, name]
    slope, residual = number_text(line.slope, ".2f"), number_text(line.residual, ".2f")
    return f"{label}, k = {slope} {interval_text(line.ci_low, line.ci_high, '.2f')}, r = {residual}"


def _name_corruptions(axes: Axes, energies: pd.Series) -> None:
    """Write the corruptions' names above their energies, moved apart where these are too near."""
    ordered = energies.sort_values()
    axes.set_xlim(-0.02, ordered.iloc[-1] + 0.02)
    low, high = axes.get_xlim()
    gap = (high - low) * _NAME * 1.25 / (72 * 0.88 * axes.figure.get_figwidth())
    for (name, energy), where in zip(ordered.items(), _move_apart(ordered.to_numpy(), gap), strict=True):
        axes.axvline(energy, color="0.9", linewidth=0.5, zorder=0)
        axes.annotate(
            corruption_label(name),
            (energy, 1),
            (where, 1.08),
            xycoords=("data", "axes fraction"),
            textcoords=("data", "axes fraction"),
            rotation=90,
            ha="center",
            va="bottom",
            size=7,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0},
        )
    axes.grid(visible=False, axis="x")


def _move_apart(positions: np.ndarray, gap: float) -> np.ndarray:
    """Return the ascending positions nearest to these that lie at least a gap apart (pool adjacent violators)."""
    # Less so many gaps they must only not fall.
    blocks: list[list[float]] = []
    for value in positions - gap * np.arange(len(positions)):
        blocks.append([value])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    return np.concatenate([[np.mean(block)] * len(block) for block in blocks]) + gap * np.arange(len(positions))
