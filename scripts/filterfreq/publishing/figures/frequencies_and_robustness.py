"""Whether any measure of frequencies tells how robust a model is, on *{dataset}*.

A panel for each measure of frequencies (rows) and of robustness (columns): points are models, means over seeds. Above
each, Spearman's rank correlation, and from eight models on its 95 % bootstrap interval over models (percentile, 2,000
draws); bold where that leaves out 0, each by itself.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from filterfreq.analysis.filter_statistics import spearman
from filterfreq.publishing.numbers import interval_text, number_text
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.side_by_side import FREQUENCIES, ROBUSTNESS, side_by_side_measures
from filterfreq.publishing.style import (
    SMALL_FONT,
    TEXT_WIDTH,
    add_legend,
    new_figure,
    use_style,
    variant_styles,
)
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Frequencies and robustness",
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
    takes=["labels", "baseline", "epsilons", "style_numbers"],
    when="frequencies_measured",
)

_PANEL = 1.0  # inches high
_DRAWS = 2000
_FEWEST = 8  # models: of fewer, draws repeat each other and the interval is far too narrow


@use_style
def draw(
    results: pd.DataFrame,
    labels: dict[str, str],
    baseline: str,
    epsilons: Mapping[str, str] | None = None,
    style_numbers: Mapping[str, int] | None = None,
) -> Figure:
    """Draw a grid of scatter plots.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        baseline: the variant whose corruption error is 1.
        epsilons: as in `table_main`.
        style_numbers: by variant, see `filterfreq.publishing.style.variant_styles`.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or no measure of either group.
    """
    frame = select(results, labels)
    shown = present_variants(frame, labels)
    measures = side_by_side_measures(frame, baseline, epsilons)
    rows = [measure for measure in measures if measure.group == FREQUENCIES]
    columns = [measure for measure in measures if measure.group == ROBUSTNESS]
    if not rows or not columns:
        raise InputError("there is no measure of frequencies beside one of robustness: run evaluations of both")
    styles = variant_styles(shown, style_numbers)
    figure = new_figure(TEXT_WIDTH, 0.5 + _PANEL * len(rows))
    grid = figure.subplots(len(rows), len(columns), squeeze=False, sharex="col", sharey="row")
    for measure, line in zip(rows, grid, strict=True):
        for other, axes in zip(columns, line, strict=True):
            points = pd.DataFrame({"x": other.numbers, "y": measure.numbers}).dropna()
            means = points.groupby(level=["model", "variant"], observed=True).mean()
            for (_, variant), point in means.iterrows():
                style = styles[variant]
                axes.plot(
                    100 * point["x"], _shown(point["y"], measure.is_share), color=style.colour, marker=style.marker
                )
            axes.ticklabel_format(useOffset=False)
            value, low, high = rank_correlation(means["x"].to_numpy(), means["y"].to_numpy())
            text = number_text(value, "+.2f") + ("" if np.isnan(low) else f" {interval_text(low, high, '+.1f')}")
            axes.set_title(text, fontsize=SMALL_FONT, pad=2, fontweight="bold" if low > 0 or high < 0 else "normal")
    for measure, axes in zip(rows, grid[:, 0], strict=True):
        axes.set_ylabel(measure.name.replace(", ", ",\n"), fontsize=SMALL_FONT)
    for measure, axes in zip(columns, grid[-1], strict=True):
        axes.set_xlabel(measure.name.replace(" L", "\nL"), fontsize=SMALL_FONT)
    add_legend(figure, styles)
    return figure


def rank_correlation(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Return Spearman's rank correlation with the ends of its 95 % bootstrap interval.

    Efron, Bootstrap Methods: Another Look at the Jackknife, Annals of Statistics 7, 1979: pairs are drawn again with
    replacement, and the percentiles of what comes out are taken; draws in which one side is constant say nothing.

    Args:
        x: one number for each model.
        y: as many.

    Returns:
        The correlation, NaN of fewer than three models, and the ends, NaN of fewer than eight.
    """
    value = spearman(x, y)
    if len(x) < _FEWEST or np.isnan(value):
        return value, np.nan, np.nan
    chosen = np.random.default_rng(0).integers(len(x), size=(_DRAWS, len(x)))
    drawn = np.array([spearman(x[rows], y[rows]) for rows in chosen])
    return value, *(float(end) for end in np.nanpercentile(drawn, (2.5, 97.5)))


def _shown(value: float, is_share: bool) -> float:
    return 100 * value if is_share else value
