"""Spectra of test images of *{dataset}*, of corruptions, and of adversarial perturbations.

A pixel is the mean size of one Fourier coefficient of images in [0, 1], over images and channels: of the images
themselves, of what a corruption changes in them at one severity, and of what the attack changes in those that are
misclassified then. The frequency 0 is in the centre. Curves are means over whole rings round the centre, each one cycle
wide, those of the images themselves in grey: they end at the largest ring that fits into the map, and leave out what is
in its corners. What attacks change is the mean over seeds.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from filterfreq.publishing.attacks import attack_label
from filterfreq.publishing.corruptions import FAMILIES, corruption_label
from filterfreq.publishing.energy_slopes import image_rows
from filterfreq.publishing.heat_maps import radial_means, whole_map
from filterfreq.publishing.map_panels import add_scale, draw_map, label_outside, map_titles
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.panels import grid_shape
from filterfreq.publishing.phrases import images_phrase, seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import (
    TEXT_WIDTH,
    VariantStyle,
    add_legend,
    new_figure,
    use_style,
    variant_styles,
    wrap_text,
)

PRODUCT = Product(title="Spectra", needs=["spectra"], takes=["labels", "style_numbers"])

_PAPERS_END = 1.5  # of the scale of adversarial perturbations
_MOST_PAIRS_IN_A_ROW = 4  # of a map and its curve
_MAPS_IN_A_ROW = 5  # of adversarial perturbations
# In inches: what maps and their curves have of the width, their heights above and below, and of a title's line.
_WIDTH, _HIGHEST, _AROUND, _LINE = 5.6, 1.2, 0.6, 0.13
_NAME_WIDTH, _NAME_LINES = 12, 2
_NUMBER = FuncFormatter(lambda value, _: f"{value:g}")


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw the maps of images and corruptions on one logarithmic scale, those of attacks on another from 0 on.

    That ends at 1.5, as the paper's, where there are such values, and else at the largest one.

    Yin et al. (NeurIPS 2019), Figures 2 and 7 (a, b).

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or no spectra.
    """
    natural = image_rows(results, "natural_magnitude")
    corrupted = image_rows(results, "corruption_magnitude")
    by_corruption = {name: _map_of(rows) for name, rows in corrupted.groupby("corruption")}
    ordered = [name for names in FAMILIES.values() for name in names if name in by_corruption]
    maps = {"natural images": _map_of(natural), **{corruption_label(name): by_corruption[name] for name in ordered}}
    frame = select(results, labels, ["spectra"])
    frame = frame[frame["metric"] == "adversarial_magnitude"]
    names = present_variants(frame, labels)
    styles = variant_styles(names, style_numbers)
    means = frame.groupby(["model", "variant", "u", "v"], observed=True)["value"].mean()
    attacked = {run: whole_map(means[run]) for run in means.index.droplevel(["u", "v"]).unique()}
    # Their curves, in the last row, have more than the room of one map.
    map_columns = _MAPS_IN_A_ROW - (len(attacked) % _MAPS_IN_A_ROW == _MAPS_IN_A_ROW - 1)
    several = len({model for model, _ in attacked}) > 1
    parts = [[model, names[variant]] if several else [names[variant]] for model, variant in attacked]
    titles = map_titles(parts, _WIDTH / map_columns)
    lines = 1 + max(title.count("\n") for title in titles)

    rows, columns = grid_shape(len(maps), _MOST_PAIRS_IN_A_ROW)
    heights = [
        rows * (min(_HIGHEST, _WIDTH / 2 / columns) + _NAME_LINES * _LINE) + _AROUND,
        (len(attacked) // map_columns + 1) * (_WIDTH / map_columns + lines * _LINE) + _AROUND,
    ]
    figure = new_figure(TEXT_WIDTH, sum(heights))
    above, below = figure.subfigures(2, 1, height_ratios=heights)
    above.suptitle(
        f"test images, and what corruptions of severity {corrupted['severity'].iloc[0]} change in them "
        f"({images_phrase([*natural['n'], *corrupted['n']])})"
    )
    _draw_images(above, maps, rows, columns)
    attack = frame.iloc[0]
    counts = frame.groupby(["model", "variant"], observed=True)["seed"].nunique()
    below.suptitle(
        f"what {attack_label(attack['attack'])} ({norm_label(attack['norm'])}, ε = {attack['epsilon']}) changes in "
        f"images that are misclassified then ({images_phrase(frame['n'])}; {seeds_phrase(counts)})"
    )
    _draw_attacks(below, attacked, titles, styles, map_columns)
    add_legend(figure, styles, markers=False)
    return figure


def _map_of(rows: pd.DataFrame) -> pd.DataFrame:
    return whole_map(rows.set_index(["u", "v"])["value"])


def _draw_images(figure: SubFigure, maps: Mapping[str, pd.DataFrame], rows: int, columns: int) -> None:
    """Draw each map with its means over rings; of corruptions above those of the first map, the images' own."""
    grid = figure.subplots(rows, 2 * columns, squeeze=False)
    values = np.concatenate([table.to_numpy().ravel() for table in maps.values()])
    # What a corruption leaves as it is cannot be on a logarithmic scale.
    scale = LogNorm(values[values > 0].min(), values.max(), clip=True)
    natural, *_ = maps
    cells = grid.reshape(-1, 2)
    for (name, table), (shown, curve) in zip(maps.items(), cells, strict=False):
        draw_map(shown, table, scale)
        shown.set_title(wrap_text(name, _NAME_WIDTH, _NAME_LINES), pad=3)
        curve.plot(radial_means(maps[natural]), color="0.7", linewidth=2)
        if name != natural:
            curve.plot(radial_means(table), color="0.15")
        curve.set_yscale("log")
        curve.set_ylim(scale.vmin / 1.5, 1.5 * scale.vmax)
        curve.set_box_aspect(1)
        curve.yaxis.set_major_locator(LogLocator(numticks=4))
        curve.yaxis.set_minor_locator(NullLocator())
        curve.yaxis.set_major_formatter(_NUMBER)
        curve.yaxis.tick_right()
        curve.yaxis.set_tick_params(labelright=curve in grid[:, -1] or name == list(maps)[-1])
    shown, curves = cells[: len(maps)].T
    label_outside(shown, columns)
    label_outside(curves, columns)
    for axes in curves:
        axes.yaxis.set_tick_params(labelleft=False)
    for axes in cells[len(maps) :].ravel():
        axes.set_axis_off()
    add_scale(figure, grid, rows, scale, "mean |F| (logarithmic)", format=_NUMBER)
    _name_axes(figure)


def _draw_attacks(
    figure: SubFigure,
    maps: Mapping[tuple[str, str], pd.DataFrame],
    titles: Sequence[str],
    styles: Mapping[str, VariantStyle],
    columns: int,
) -> None:
    """Draw the map of each model and variant, and, in what is left of the last row, their means over rings."""
    rows = len(maps) // columns + 1
    grid = figure.add_gridspec(rows, columns)
    shown = [figure.add_subplot(grid[divmod(number, columns)]) for number in range(len(maps))]
    curves = figure.add_subplot(grid[-1, len(maps) % columns :])
    most = max(table.to_numpy().max() for table in maps.values())
    is_papers = most >= _PAPERS_END
    scale = Normalize(0, _PAPERS_END if is_papers else most)
    for axes, title, ((_, variant), table) in zip(shown, titles, maps.items(), strict=True):
        draw_map(axes, table, scale)
        axes.set_title(title, pad=3)
        curves.plot(radial_means(table), color=styles[variant].colour, linestyle=(0, styles[variant].dashes))
    label_outside(shown, columns)
    curves.set_ylim(bottom=0)
    curves.xaxis.set_major_locator(MaxNLocator(integer=True))
    curves.yaxis.tick_right()
    label, end = ("mean |F|\n(the paper's scale)", "max") if is_papers else ("mean |F|\n(to the largest)", "neither")
    add_scale(figure, [*shown, curves], rows, scale, label, extend=end)
    _name_axes(figure)


def _name_axes(figure: SubFigure) -> None:
    figure.supxlabel("maps: horizontal frequency; curves: distance from the frequency 0 (cycles per image)")
    figure.supylabel("vertical frequency\n(cycles per image)")
