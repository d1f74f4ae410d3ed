"""Spectra of test images of *{dataset}*, of corruptions, and of adversarial perturbations.

A pixel is the mean size of one Fourier coefficient of images in [0, 1], over images and channels: of the images
themselves, of what a corruption changes in them at one severity, and of what the attack changes in those that are
misclassified then. The frequency 0 is in the centre. Beside them are the means over rings round the centre, below those
of the images themselves, in grey. What attacks change is the mean over seeds.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from filterfreq.publishing.attacks import attack_label
from filterfreq.publishing.corruptions import FAMILIES, corruption_label
from filterfreq.publishing.energy_slopes import image_rows
from filterfreq.publishing.heat_maps import radial_means, whole_map
from filterfreq.publishing.map_panels import HEAT, draw_map
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.phrases import images_phrase, seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import TEXT_WIDTH, add_legend, new_figure, use_style, variant_styles, wrap_text

PRODUCT = Product(title="Spectra", needs=["spectra"], takes=["labels", "style_numbers"])

_MOST_ADVERSARIAL = 1.5  # the end of the paper's scale
_PAIRS_IN_A_ROW = 4  # of a map and its curve
_MAPS_IN_A_ROW = 4  # of adversarial perturbations
_CURVES = 1.6  # times the width of a map
_ROW, _ADVERSARIAL_ROW = 1.02, 1.2  # inches
_NAME_WIDTH, _TITLE_WIDTH = 12, 20  # characters
_NUMBER = FuncFormatter(lambda value, _: f"{value:g}")


@use_style
def draw(results: pd.DataFrame, labels: dict[str, str], style_numbers: Mapping[str, int] | None = None) -> Figure:
    """Draw the maps of images and corruptions on one logarithmic scale, those of attacks on one from 0 to 1.5.

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
    runs = frame.groupby(["model", "variant"], observed=True).ngroups
    rows = -(-len(maps) // _PAIRS_IN_A_ROW), -(-runs // _MAPS_IN_A_ROW)
    heights = [_ROW * rows[0] + 0.5, _ADVERSARIAL_ROW * rows[1] + 0.5]
    figure = new_figure(TEXT_WIDTH, sum(heights))
    above, below = figure.subfigures(2, 1, height_ratios=heights)
    above.suptitle(
        f"test images, and what corruptions of severity {corrupted['severity'].iloc[0]} change in them "
        f"({images_phrase([*natural['n'], *corrupted['n']])})"
    )
    _draw_images(above, maps)
    attack = frame.iloc[0]
    counts = frame.groupby(["model", "variant"], observed=True)["seed"].nunique()
    below.suptitle(
        f"what {attack_label(attack['attack'])} ({norm_label(attack['norm'])}, ε = {attack['epsilon']}) changes in "
        f"images that are misclassified then ({images_phrase(frame['n'])}; {seeds_phrase(counts)})"
    )
    _draw_attacks(below, frame, names, styles)
    add_legend(figure, styles, markers=False)
    return figure


def _map_of(rows: pd.DataFrame) -> pd.DataFrame:
    return whole_map(rows.set_index(["u", "v"])["value"])


def _draw_images(figure: SubFigure, maps: Mapping[str, pd.DataFrame]) -> None:
    """Draw each map with its means over rings; of corruptions above those of the first map, the images' own."""
    rows = -(-len(maps) // _PAIRS_IN_A_ROW)
    grid = figure.subplots(rows, 2 * _PAIRS_IN_A_ROW, squeeze=False)
    values = np.concatenate([table.to_numpy().ravel() for table in maps.values()])
    # What a corruption leaves as it is cannot be on a logarithmic scale.
    scale = LogNorm(values[values > 0].min(), values.max(), clip=True)
    natural, *_ = maps
    cells = grid.reshape(-1, 2)
    for (name, table), (shown, curve) in zip(maps.items(), cells, strict=False):
        draw_map(shown, table, scale)
        shown.set_title(wrap_text(name, _NAME_WIDTH, 2), pad=3)
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
        # Below the last map of each column alone.
        is_lowest = name in list(maps)[-_PAIRS_IN_A_ROW:]
        for axes in (shown, curve):
            axes.xaxis.set_tick_params(labelbottom=is_lowest)
        shown.yaxis.set_tick_params(labelleft=shown in grid[:, 0])
    for axes in cells[len(maps) :].ravel():
        axes.set_axis_off()
    _add_scale(figure, grid, ScalarMappable(scale, HEAT), _NUMBER)
    figure.supxlabel("maps: horizontal frequency; curves: distance from the frequency 0 (cycles per image)")
    figure.supylabel("vertical frequency")


def _draw_attacks(figure: SubFigure, frame: pd.DataFrame, names: dict[str, str], styles: Mapping) -> None:
    """Draw a map for each model and variant, and beside them their means over rings."""
    means = frame.groupby(["model", "variant", "u", "v"], observed=True)["value"].mean()
    shown = list(means.index.droplevel(["u", "v"]).unique())
    rows = -(-len(shown) // _MAPS_IN_A_ROW)
    grid = figure.subplots(rows, _MAPS_IN_A_ROW + 1, squeeze=False, width_ratios=[1] * _MAPS_IN_A_ROW + [_CURVES])
    scale = Normalize(0, _MOST_ADVERSARIAL)
    several = len(means.index.unique("model")) > 1
    curves = grid[0, -1]
    cells = grid[:, :-1].ravel()
    for axes, (model, variant) in zip(cells, shown, strict=False):
        table = whole_map(means[model, variant])
        draw_map(axes, table, scale)
        axes.set_title(wrap_text(f"{model}, {names[variant]}" if several else names[variant], _TITLE_WIDTH, 3), pad=3)
        axes.yaxis.set_tick_params(labelleft=axes in grid[:, 0])
        curves.plot(radial_means(table), color=styles[variant].colour, linestyle=(0, styles[variant].dashes))
    for axes in [*cells[len(shown) :], *grid[1:, -1]]:
        axes.set_axis_off()
    curves.set_ylim(bottom=0)
    _add_scale(figure, grid[:, :-1], ScalarMappable(scale, HEAT), None)
    figure.supxlabel("maps: horizontal frequency; curves: distance from the frequency 0 (cycles per image)")
    figure.supylabel("vertical frequency")


def _add_scale(figure: SubFigure, grid: np.ndarray, colours: ScalarMappable, numbers: FuncFormatter | None) -> None:
    above = {"extend": "max"} if numbers is None else {}
    bar = figure.colorbar(colours, ax=grid, location="left", aspect=12 * len(grid), pad=0.02, format=numbers, **above)
    bar.set_label("mean |F|")
    bar.outline.set_visible(False)
