"""Error on test images of *{dataset}* to which one spatial frequency is added, for each frequency.

A pixel is one Fourier basis vector: the frequency 0 is in the centre, and a vector and its mirror are the same. Each
channel of an image moves by the norm that is given, with signs that are the same for all variants. Mean over seeds.
Below, the first test image with some of these vectors, to all channels with one sign.
"""

import itertools

import numpy as np
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

_MOST_IN_A_ROW = 5
# In inches.
_CELL, _BESIDE, _AROUND, _LINE = 1.4, 1.3, 0.6, 0.13  # of a map, beside and above all maps, and of a title's line
_EXAMPLES_HEIGHT = 1.05


read = read_with_images


@use_style
def draw(shown: ResultsWithImages, labels: dict[str, str]) -> Figure:
    """Draw a map for every model, norm and variant, all on one scale from 0 to 100 %, and an image with some vectors.

    Yin et al. (NeurIPS 2019), Figures 3 and 4.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or no heat maps.
    """
    frame = select(shown.results, labels, ["fourier_heat_map"])
    frame = frame[frame["metric"] == "error"]
    names = present_variants(frame, labels)
    maps = frame.groupby(["model", "l2_norm", "variant", "u", "v"], observed=True)["value"].mean()
    drawn = list(maps.index.droplevel(["u", "v"]).unique())
    several = [len(frame[key].unique()) > 1 for key in ("model", "l2_norm")]
    parts = [
        [*itertools.compress((model, f"norm {norm:g}"), several), names[variant]] for model, norm, variant in drawn
    ]
    rows, columns = grid_shape(len(drawn), _MOST_IN_A_ROW)
    width = min(TEXT_WIDTH, max(COLUMN_WIDTH, _BESIDE + _CELL * columns))
    cell = (width - _BESIDE) / columns
    titles = map_titles(parts, cell)
    lines = 1 + max(title.count("\n") for title in titles)
    heights = [rows * (cell + _LINE * lines) + _AROUND, _EXAMPLES_HEIGHT]
    figure = new_figure(width, sum(heights))
    above, below = figure.subfigures(2, 1, height_ratios=heights)
    grid = above.subplots(rows, columns, squeeze=False).ravel()
    scale = Normalize(0, 100)
    for axes, run, title in zip(grid, drawn, titles, strict=False):
        axes.set_title(title)
        draw_map(axes, 100 * whole_map(maps[run]), scale)
    label_outside(grid[: len(drawn)], columns)
    for axes in grid[len(drawn) :]:
        axes.set_axis_off()
    above.supxlabel("horizontal frequency (cycles per image)")
    above.supylabel("vertical frequency\n(cycles per image)")
    add_scale(above, grid, rows, scale, "error (%)")
    norms = "" if several[1] else f"; norm {frame['l2_norm'].iloc[0]:g} in each channel"
    counts = frame.groupby(["model", "variant"], observed=True)["seed"].nunique()
    above.suptitle(f"{seeds_phrase(counts)}; {images_phrase(frame['n'])}{norms}")
    highest = int(frame["v"].max())
    _show_examples(below, shown.images[0], frame["l2_norm"].iloc[0], highest)
    return figure


def _show_examples(figure: SubFigure, image: np.ndarray, norm: float, highest: int) -> None:
    """Show an image, and the same with vectors of as many cycles in both directions, up to the highest."""
    cycles = sorted({1, -(-highest // 4), -(-highest // 2), highest} - {0})
    changes = [(0.0, 0, 0), (norm, 0, 0), *((norm, -count, -count) for count in cycles)]
    texts = ["image", "0, 0", *(f"{count}, {count}" for count in cycles)]
    show_with_basis_vectors(figure.subplots(), image, changes, texts)
    figure.supxlabel(f"with a vector of norm {norm:g} and\nthis vertical and horizontal frequency")
