"""Filters of the first layer and of every 3x3 convolution of models on *{dataset}*, and of the last one once more.

Of the first run of each variant or, where the experiment names pairs, of the first pairs, the control at the left; of
eight models at most. Above, the first 16 kernels of the first layer, of whatever size. Then a row is a layer of 3x3:
its first 32 filters, by output, then by input channel, divided by the largest absolute weight among them. Below, the
first 16 of the last one. Depth counts convolutions of any size.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from filterfreq.analysis.pairs import Pairs, run_key
from filterfreq.publishing.mosaic import sheet, show_canvas, to_uint8
from filterfreq.publishing.registry import Product
from filterfreq.publishing.shown_filters import ShownFilters, read_shown_filters, run_labels
from filterfreq.publishing.style import COLUMN_WIDTH, new_figure, use_style, wrap_text

PRODUCT = Product(
    title="Filters",
    needs=["filter_quality"],
    takes=["labels", "pairs"],
    reads="shown_filters",
    when="models_there",
)

read = read_shown_filters

# Of different lightness, so that signs survive a grey copy; white is what lies between filters.
_COLOURS = LinearSegmentedColormap.from_list("signs", ["#0B2A6B", "#8A8A8A", "#FFC845"])
_SCALE = Normalize(-1, 1)
_SIDE_BY_SIDE = 2
_SHOWN_LARGE = 16  # filters of the first layer, and of the last one
_MOST_TICKS = 18
# In inches: a filter of a row of layers, one of the first or last layer, and what texts and the colour bar take.
_SMALL, _LARGE, _TEXTS, _BAR = 0.094, 0.188, 0.62, 0.5
_TITLE_WIDTH = 46  # characters


@use_style
def draw(shown: ShownFilters, labels: dict[str, str], pairs: Pairs = ()) -> Figure:
    """Show the filters of each model, those of a pair side by side.

    Args:
        shown: see `read_shown_filters`.
        labels: display labels of the variants by name, in order.
        pairs: the pairs that the config names; those are shown of which both runs are.

    Raises:
        InputError: there is no model of any variant.
    """
    names = run_labels(shown, labels)
    paired = [[run_key(pair[side]) for side in ("control", "treatment")] for pair in pairs]
    runs = [run for both in paired if set(both) <= set(names) for run in both] or list(names)
    columns = min(_SIDE_BY_SIDE, len(runs))
    in_rows = [runs[number : number + columns] for number in range(0, len(runs), columns)]
    layers = [max(len(shown[run]["first_filters"]) for run in row) for row in in_rows]
    heights = [height for count in layers for height in (_LARGE, count * _SMALL, _LARGE)]
    figure = new_figure(COLUMN_WIDTH * columns, sum(heights) + _TEXTS * len(layers) + _BAR)
    grid = figure.subplots(3 * len(layers), columns, height_ratios=heights, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for number, run in enumerate(runs):
        row, column = divmod(number, columns)
        above, middle, below = grid[3 * row : 3 * row + 3, column]
        filters = shown[run]["first_filters"]
        _draw_one(above, shown[run]["first_kernels"], "first")
        above.set_title(wrap_text(names[run], _TITLE_WIDTH, 2))
        _draw_layers(middle, filters, shown[run]["conv_depths"], layers[row])
        _draw_one(below, filters[-1], "last")
    look = {"location": "bottom", "aspect": 30, "shrink": 0.8 / columns, "pad": 0.04, "ticks": [-1, 0, 1]}
    bar = figure.colorbar(ScalarMappable(_SCALE, _COLOURS), ax=grid, **look)
    bar.set_label("weight / largest absolute one of the row")
    bar.outline.set_visible(False)
    return figure


def _draw_layers(axes: Axes, filters: np.ndarray, depths: np.ndarray, rows: int) -> None:
    """Draw the filters of all layers of a model, a row for each, and leave the others of so many rows white."""
    axes.set_axis_on()
    missing = np.full((rows - len(filters), *filters.shape[1:]), np.nan, filters.dtype)
    filters = np.concatenate([filters, missing])
    show_canvas(axes, sheet(_colour(filters), filters.shape[1]))
    step = -(-len(depths) // _MOST_TICKS)
    axes.set_yticks([4 * row + 1 for row in range(0, len(depths), step)], depths[::step])
    axes.set_ylabel("depth")
    axes.set_anchor("NW")


def _draw_one(axes: Axes, filters: np.ndarray, name: str) -> None:
    """Draw the first filters of one layer of a model, larger."""
    axes.set_axis_on()
    show_canvas(axes, sheet(_colour(filters[None, :_SHOWN_LARGE]), _SHOWN_LARGE))
    axes.set_ylabel(name, rotation=0, ha="right", va="center")
    axes.set_anchor("NW")


def _colour(filters: np.ndarray) -> np.ndarray:
    """Return pictures of layers x filters x K x K, uint8 N x K x K x 3, layer by layer; missing filters are white."""
    peaks = np.max(np.abs(filters), axis=(1, 2, 3), keepdims=True, initial=0, where=~np.isnan(filters))
    colours = to_uint8(_COLOURS(_SCALE(filters / np.where(peaks > 0, peaks, 1)))[..., :3])
    colours[np.isnan(filters)] = 255
    return colours.reshape(-1, *colours.shape[2:])
