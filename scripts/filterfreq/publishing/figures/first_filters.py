"""The filters of the first layer of models on *{dataset}* as colours, and what some of them make of an image.

Of the first run of each variant or, where the experiment names pairs, of the first pairs; of eight models at most.
Filters: 0.5 + 0.5 w / the layer's largest weight, so that mid grey is 0. Activations: relu of the outputs of six
filters, counted from 0, on the first test image, on the same image attacked (on the baseline, the same for all models),
and their difference, clean less attacked. Mid grey is 0; white is each filter's largest activation of the two images,
and differences are shares of it, red above 0 and blue below, on one scale for all models. The change is the L2 norm of
the difference of all activations divided by that of the clean image's.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure, SubFigure

from filterfreq.publishing.attacks import attack_label
from filterfreq.publishing.mosaic import mosaic, sheet, show_canvas, to_uint8
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.numbers import percent_text
from filterfreq.publishing.registry import Product
from filterfreq.publishing.shown_filters import ShownFilters, read_shown_filters, run_labels
from filterfreq.publishing.style import COLUMN_WIDTH, new_figure, use_style, wrap_text
from filterfreq.training.attack_names import attack_name

PRODUCT = Product(
    title="First-layer filters",
    needs=["filter_quality"],
    takes=["labels", "attack"],
    reads="shown_filters",
    when="images_perturbed",
)

read = read_shown_filters

# Of different lightness, so that signs survive a grey copy.
_DIFFERENCES = LinearSegmentedColormap.from_list("differences", ["#0B2A6B", "#9A9A9A", "#FF9E87"])
_IN_A_ROW = 16
_KINDS = ("clean", "attacked", "difference")
_SIDE_BY_SIDE = 2
# In inches.
_FILTER, _ACTIVATION, _TITLE = 0.17, 0.46, 0.8
_TITLE_WIDTH = 46  # characters


@use_style
def draw(shown: ShownFilters, labels: dict[str, str], attack: Mapping[str, Any]) -> Figure:
    """Show the filters of each model, and under them the activations.

    Args:
        shown: see `read_shown_filters`.
        labels: display labels of the variants by name, in order.
        attack: the settings of the attack, as the config has them.

    Raises:
        InputError: there is no model of any variant.
    """
    names = run_labels(shown, labels)
    columns = min(_SIDE_BY_SIDE, len(names))
    filter_rows = [-(-len(shown[run]["weights"]) // _IN_A_ROW) for run in names]
    in_rows = [filter_rows[number : number + columns] for number in range(0, len(names), columns)]
    heights = [_TITLE + _FILTER * max(counts) + _ACTIVATION * len(_KINDS) for counts in in_rows]
    figure = new_figure(COLUMN_WIDTH * columns, sum(heights) + 0.2)
    scale = max(float(np.abs(_shares(shown[run])[2]).max()) for run in names) or 1.0
    of_attack = f"{attack_label(attack_name(attack))}, {norm_label(attack['norm'])}, ε = {attack['epsilon']}"
    figure.suptitle(f"{of_attack}; differences from −{100 * scale:.0f} % (blue) to +{100 * scale:.0f} % (red)")
    parts = figure.subfigures(len(heights), columns, height_ratios=heights, squeeze=False)
    # One scale of activations for all models would hide those whose activations are small.
    for number, (run, label) in enumerate(names.items()):
        row, column = divmod(number, columns)
        _draw_model(parts[row, column], shown[run], label, max(in_rows[row]), scale)
    return figure


def _shares(layer: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return activations on the clean and the attacked image and their difference, 3 x F x H x W.

    They are shares of each filter's largest activation of the two: one scale would leave the weak filters grey and the
    strong ones all white.
    """
    clean, attacked = layer["activations"]
    return np.stack([clean, attacked, clean - attacked]) / np.maximum(_peaks(clean), _peaks(attacked))


def _draw_model(figure: SubFigure, layer: Mapping[str, np.ndarray], label: str, rows: int, scale: float) -> None:
    """Draw one model's filters, with room for so many rows, and the activations of some of them.

    Args:
        figure: where.
        layer: what `show_filters` keeps of a model.
        label: of the model.
        rows: of filters.
        scale: the difference that has the fullest colour, a share of a filter's largest activation.
    """
    figure.suptitle(f"{wrap_text(label, _TITLE_WIDTH, 1)}\nchange {percent_text(float(layer['change']))} %")
    heights = [_FILTER * rows, _ACTIVATION * len(_KINDS)]
    above, below = figure.subplots(2, 1, height_ratios=heights)
    _show_filters(above, layer["weights"])
    clean, attacked, difference = _shares(layer)
    greys = np.repeat(to_uint8(0.5 + 0.5 * np.stack([clean, attacked]))[..., None], 3, axis=-1)
    tiles = np.concatenate([greys, to_uint8(_DIFFERENCES(0.5 + 0.5 * difference / scale)[None, ..., :3])])
    canvas, row_centres, column_centres = mosaic(tiles, row_gap=0.06)
    show_canvas(below, canvas)
    below.set_anchor("NW")
    below.set_yticks(row_centres, _KINDS)
    below.set_xticks(column_centres, [str(number) for number in layer["filters"]])
    below.set_xlabel("filter")


def _peaks(maps: np.ndarray) -> np.ndarray:
    """Return the largest absolute value of each of F maps, F x 1 x 1, or 1 where all are 0."""
    peaks = np.abs(maps).max(axis=(1, 2), keepdims=True)
    return np.where(peaks > 0, peaks, 1)


def _show_filters(axes: Axes, weights: np.ndarray) -> None:
    """Show filters as colours, 16 in a row; of a layer with other than three input channels, their mean as grey."""
    scaled = 0.5 + 0.5 * weights / (float(np.abs(weights).max()) or 1.0)
    if scaled.shape[1] != 3:
        scaled = np.repeat(scaled.mean(axis=1, keepdims=True), 3, axis=1)
    show_canvas(axes, sheet(to_uint8(scaled.transpose(0, 2, 3, 1)), _IN_A_ROW))
    axes.set_anchor("NW")
