"""Error on test images of *{dataset}* to which one spatial frequency is added, for each frequency.

A pixel is one Fourier basis vector: the frequency 0 is in the centre, and a vector and its mirror are the same. Each
channel of an image moves by the norm that is given, with signs that are the same for all variants. Mean over seeds.
Below, the first test image with some of these vectors, to all channels with one sign.
"""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure

from filterfreq.publishing.example_images import ResultsWithImages, read_with_images, show_with_basis_vectors
from filterfreq.publishing.heat_maps import whole_map
from filterfreq.publishing.map_panels import HEAT, draw_map
from filterfreq.publishing.phrases import images_phrase, seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, use_style, wrap_text

PRODUCT = Product(title="Fourier heat maps", needs=["fourier_heat_map"], takes=["labels"], reads="results_with_images")

_IN_A_ROW = 4
_ROW_HEIGHT = 1.5  # inches
_TITLE_WIDTH = 22  # characters
_EXAMPLES_HEIGHT = 0.95  # inches


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
    rows = -(-len(drawn) // _IN_A_ROW)
    heights = [rows * _ROW_HEIGHT + 0.45, _EXAMPLES_HEIGHT]
    figure = new_figure(TEXT_WIDTH, sum(heights))
    above, below = figure.subfigures(2, 1, height_ratios=heights)
    grid = above.subplots(rows, _IN_A_ROW, squeeze=False)
    scale = Normalize(0, 100)
    several = [len(frame[key].unique()) > 1 for key in ("model", "l2_norm")]
    for axes, (model, norm, variant) in zip(grid.ravel(), drawn, strict=False):
        parts = [text for text, many in zip((model, f"norm {norm:g}"), several, strict=True) if many]
        title = ", ".join([*parts, names[variant]])
        axes.set_title(wrap_text(title, _TITLE_WIDTH, 3))
        draw_map(axes, 100 * whole_map(maps[model, norm, variant]), scale)
    for axes in grid.ravel()[len(drawn) :]:
        axes.set_axis_off()
    above.supxlabel("horizontal frequency (cycles per image)")
    above.supylabel("vertical frequency\n(cycles per image)")
    bar = above.colorbar(ScalarMappable(scale, HEAT), ax=grid, aspect=15 * rows, pad=0.02)
    norms = "" if several[1] else f"; norm {frame['l2_norm'].iloc[0]:g} in each channel"
    bar.set_label("error (%)")
    bar.outline.set_visible(False)
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
    figure.supxlabel(f"with a vector of norm {norm:g} and frequency")
