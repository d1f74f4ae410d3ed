"""Error on test images of *{dataset}* to which one spatial frequency is added, for each frequency.

A pixel is one Fourier basis vector: the frequency 0 is in the centre, and a vector and its mirror are the same. Each
channel of an image moves by the norm that is given, with signs that are the same for all variants. Mean over seeds.
Where the change of a layer's output was measured, its maps stand below, each as shares of its own largest value: their
colours compare frequencies, not variants. At the bottom, the first test image with some of these vectors, to all
channels with one sign.
"""

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure

from filterfreq.publishing.example_images import ResultsWithImages, read_with_images, show_with_basis_vectors
from filterfreq.publishing.heat_maps import whole_map
from filterfreq.publishing.map_panels import add_scale, draw_map, label_outside, map_titles
from filterfreq.publishing.panels import grid_shape
from filterfreq.publishing.phrases import images_phrase, seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import COLUMN_WIDTH, TEXT_WIDTH, new_figure, use_style

PRODUCT = Product(title="Fourier heat maps", needs=["fourier_heat_map"], takes=["labels"], reads="results_with_images")

_Run = tuple[str, float, str]  # model, norm and variant of a map

_MOST_IN_A_ROW = 5
# In inches.
_CELL, _BESIDE, _AROUND, _LINE = 1.4, 1.3, 0.6, 0.13  # of a map, beside and above all maps, and of a title's line
_EXAMPLES_HEIGHT = 1.05


read = read_with_images


@use_style
def draw(shown: ResultsWithImages, labels: dict[str, str]) -> Figure:
    """Draw a map for every model, norm and variant, all on one scale from 0 to 100 %, and an image with some vectors.

    Yin et al. (NeurIPS 2019), Figures 3 and 4; the maps of a layer are those that their released code offers.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or no heat maps.
    """
    measured = select(shown.results, labels, ["fourier_heat_map"])
    frame = measured[measured["metric"] == "error"]
    names = present_variants(frame, labels)
    maps = {run: 100 * table for run, table in _maps_of(frame).items()}
    several = [len(frame[key].unique()) > 1 for key in ("model", "l2_norm")]
    parts = [[*itertools.compress((model, f"norm {norm:g}"), several), names[variant]] for model, norm, variant in maps]
    rows, columns = grid_shape(len(maps), _MOST_IN_A_ROW)
    width = min(TEXT_WIDTH, max(COLUMN_WIDTH, _BESIDE + _CELL * columns))
    cell = (width - _BESIDE) / columns
    titles = dict(zip(maps, map_titles(parts, cell), strict=True))
    lines = 1 + max(title.count("\n") for title in titles.values())
    changes = measured[measured["metric"] == "layer_change"]
    by_layer = dict(list(changes.groupby("layer"))) if len(changes) else {}
    heights = [*[rows * (cell + _LINE * lines) + _AROUND] * (1 + len(by_layer)), _EXAMPLES_HEIGHT]
    figure = new_figure(width, sum(heights))
    scale = Normalize(0, 100)
    above, *of_layers, below = figure.subfigures(len(heights), 1, height_ratios=heights)
    _draw_maps(above, maps, titles, (rows, columns), scale, "error (%)")
    norms = "" if several[1] else f"; norm {frame['l2_norm'].iloc[0]:g} in each channel"
    counts = frame.groupby(["model", "variant"], observed=True)["seed"].nunique()
    above.suptitle(f"{seeds_phrase(counts)}; {images_phrase(frame['n'])}{norms}")
    for part, (layer, its_rows) in zip(of_layers, by_layer.items(), strict=True):
        # What no frequency changes is 0 everywhere.
        shares = {run: 100 * table / (table.to_numpy().max() or 1) for run, table in _maps_of(its_rows).items()}
        _draw_maps(part, shares, titles, (rows, columns), scale, "change (% of the largest)")
        part.suptitle(f"change of the output of {layer}")
    _show_examples(below, shown.images[0], frame["l2_norm"].iloc[0], int(frame["v"].max()))
    return figure


def _maps_of(frame: pd.DataFrame) -> dict[_Run, pd.DataFrame]:
    """The mean over seeds at each frequency, by model, norm and variant."""
    means = frame.groupby(["model", "l2_norm", "variant", "u", "v"], observed=True)["value"].mean()
    return {run: whole_map(means[run]) for run in means.index.droplevel(["u", "v"]).unique()}


def _draw_maps(
    figure: SubFigure,
    maps: Mapping[_Run, pd.DataFrame],
    titles: Mapping[_Run, str],
    shape: tuple[int, int],
    scale: Normalize,
    label: str,
) -> None:
    """Draw maps in rows and columns, with one scale of the colours at their right."""
    grid = figure.subplots(*shape, squeeze=False).ravel()
    for axes, (run, table) in zip(grid, maps.items(), strict=False):
        axes.set_title(titles[run])
        draw_map(axes, table, scale)
    label_outside(grid[: len(maps)], shape[1])
    for axes in grid[len(maps) :]:
        axes.set_axis_off()
    figure.supxlabel("horizontal frequency (cycles per image)")
    figure.supylabel("vertical frequency\n(cycles per image)")
    add_scale(figure, grid, shape[0], scale, label)


def _show_examples(figure: SubFigure, image: np.ndarray, norm: float, highest: int) -> None:
    """Show an image, and the same with vectors of as many cycles in both directions, up to the highest."""
    cycles = sorted({1, -(-highest // 4), -(-highest // 2), highest} - {0})
    changes = [(0.0, 0, 0), (norm, 0, 0), *((norm, -count, -count) for count in cycles)]
    texts = ["image", "0, 0", *(f"{count}, {count}" for count in cycles)]
    show_with_basis_vectors(figure.subplots(), image, changes, texts)
    figure.supxlabel(f"with a vector of norm {norm:g} and\nthis vertical and horizontal frequency")
