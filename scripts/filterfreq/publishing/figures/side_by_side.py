"""What each intervention of experiment *{experiment}* changes on *{dataset}*, in every measure.

Numbers are differences to the baseline, means over seeds, in percentage points (of entropies and norms as they are).
Colours are the same over the standard deviation of the measure over all runs: violet is better, orange worse, and grey
a difference of a measure without better values. Bold are differences whose Student's 95 % interval leaves out 0, each
by itself.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from filterfreq.publishing.numbers import number_text
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.side_by_side import Difference, Measure, difference_to_baseline, side_by_side_measures
from filterfreq.publishing.style import SMALL_FONT, TEXT_WIDTH, new_figure, use_style
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Interventions side by side",
    needs=["clean"],
    adds=[
        "adversarial",
        "autoattack",
        "corruption",
        "out_of_distribution",
        "cue_conflict",
        "fourier_heat_map",
        "band_noise",
        "frequency_filtered",
        "filters",
        "filter_quality",
        "spectral_norm",
    ],
    takes=["labels", "baseline", "epsilons"],
    when="baseline_paired",
)

_ROW = 0.2  # inches
_HEADINGS = 1.15  # inches, of the slanted names of measures
_MOST = 2.0  # standard deviations, from which on colours are the same
_JUDGED, _UNJUDGED = "PuOr", "Greys"


@use_style
def draw(
    results: pd.DataFrame, labels: dict[str, str], baseline: str, epsilons: Mapping[str, str] | None = None
) -> Figure:
    """Draw a table with coloured cells: interventions by measures, a block for each model.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        baseline: the variant that the others are compared with.
        epsilons: as in `table_main`.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or no pair of runs to compare.
    """
    frame = select(results, labels)
    shown = present_variants(frame, labels)
    measures = side_by_side_measures(frame, baseline, epsilons)
    models = list(frame["model"].cat.categories)
    blocks = {}
    for model in models:
        rows = {
            label: [difference_to_baseline(measure, model, variant, baseline) for measure in measures]
            for variant, label in shown.items()
            if variant != baseline
        }
        rows = {label: cells for label, cells in rows.items() if any(cells)}
        if rows:
            blocks[model] = rows
    if not blocks:
        raise InputError(
            f"there is no run of {baseline} with the model and seed of another variant: nothing can be compared"
        )
    count = sum(map(len, blocks.values())) + (len(blocks) if len(models) > 1 else 0)
    figure = new_figure(TEXT_WIDTH, _HEADINGS + _ROW * count)
    axes = figure.subplots()
    axes.set(xlim=(0, len(measures)), ylim=(count, 0))
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    ticks: list[tuple[float, str]] = []
    row = 0
    for model, rows in blocks.items():
        if len(models) > 1:
            ticks.append((row + 0.6, f"{model}:"))
            row += 1
        for label, cells in rows.items():
            ticks.append((row + 0.5, label))
            for column, (measure, found) in enumerate(zip(measures, cells, strict=True)):
                _draw_cell(axes, column, row, measure, found)
            row += 1
    axes.set_yticks([place for place, _ in ticks], [label for _, label in ticks])
    axes.xaxis.tick_top()
    names = [measure.name for measure in measures]
    axes.set_xticks(np.arange(len(measures)) + 0.3, names, rotation=40, ha="left", rotation_mode="anchor")
    axes.tick_params(length=0)
    return figure


def _draw_cell(axes: Axes, column: int, row: int, measure: Measure, found: Difference | None) -> None:
    """Draw one difference, its colour by how large it is among runs."""
    if found is None:
        axes.text(column + 0.5, row + 0.5, "–", ha="center", va="center", fontsize=SMALL_FONT, color="0.4")
        return
    size = np.clip(found.standardised, -_MOST, _MOST) / _MOST
    if measure.direction == "none":
        colour = colormaps[_UNJUDGED](0.55 * abs(size))
    else:
        better = size if measure.direction == "higher" else -size
        colour = colormaps[_JUDGED](0.5 + 0.4 * better)
    axes.add_patch(Rectangle((column + 0.02, row + 0.04), 0.96, 0.92, facecolor=colour, edgecolor="none"))
    brightness = np.dot(colour[:3], (0.299, 0.587, 0.114))
    factor, form = (100, "+.1f") if measure.is_share else (1, "+.2f")
    axes.text(
        column + 0.5,
        row + 0.5,
        number_text(factor * found.mean, form),
        ha="center",
        va="center",
        fontsize=SMALL_FONT,
        color="white" if brightness < 0.5 else "black",
        fontweight="normal" if found.verdict(measure.direction) == "undecided" else "bold",
    )
