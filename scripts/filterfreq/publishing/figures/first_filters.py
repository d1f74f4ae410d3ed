"""The filters of the first layer of each variant on *{dataset}* as colours, and what some of them make of an image.

Of each variant's first run. Filters: 0.5 + 0.5 w / the layer's largest weight, so that mid grey is 0. Activations: relu
of the outputs of filters 5 to 10, counted from 0, on the first test image, on the same image attacked (on the baseline,
the same for all variants), both as (a + 1) / 2 from black to white; and their difference, clean less attacked, around
mid grey, to each variant's own scale. The change is the L2 norm of the difference of all activations divided by that of
the clean image's.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from filterfreq.publishing.attacks import attack_label
from filterfreq.publishing.mosaic import mosaic, show_canvas, to_uint8
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.numbers import percent_text
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, use_style, wrap_text
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, verify_checksum, verify_zip
from filterfreq.training.attack_names import attack_name

PRODUCT = Product(
    title="First-layer filters",
    needs=["filter_quality"],
    takes=["labels", "attack"],
    reads="first_layers",
    when="perturbations_shown",
)

_IN_A_ROW = 16
_KINDS = ("clean", "attacked", "difference")
_GAP = 1  # white pixels between filters
# In inches.
_FILTER, _ACTIVATION, _TITLE = 0.3, 0.62, 0.35
_TITLE_WIDTH = 100  # characters

Layers = Mapping[str, Mapping[str, np.ndarray]]


def read(files: Any) -> Layers:
    """Read the first layers: by variant, the arrays of `filterfreq.evaluation.filters.first_layer.measure_first_layer`.

    Args:
        files: the one file of `reads="first_layers"`.

    Raises:
        InputError: it is missing or damaged, or was changed since it was written.
    """
    [path] = files
    layers: dict[str, dict[str, np.ndarray]] = {}
    with reading(path, "delete it and run again"):
        verify_zip(path)
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            for name in arrays.files:
                variant, _, what = name.rpartition("/")
                layers.setdefault(variant, {})[what] = arrays[name]
    verify_checksum(path)
    layers.pop("", None)  # the images
    return layers


@use_style
def draw(layers: Layers, labels: dict[str, str], attack: Mapping[str, Any]) -> Figure:
    """Show the filters of each variant, and under them the activations.

    Args:
        layers: what `read` returns.
        labels: display labels of the variants by name, in order.
        attack: the settings of the attack, as the config has them.

    Raises:
        InputError: there is no first layer of any variant.
    """
    shown = {name: label for name, label in labels.items() if name in layers}
    if not shown:
        raise InputError(f"there are no first layers of the variants {', '.join(labels)}: delete their file, run again")
    rows = {name: -(-len(layers[name]["weights"]) // _IN_A_ROW) for name in shown}
    heights = [_TITLE + _FILTER * rows[name] + _ACTIVATION * len(_KINDS) for name in shown]
    figure = new_figure(TEXT_WIDTH, sum(heights) + 0.2)
    words = f"{attack_label(attack_name(attack))}, {norm_label(attack['norm'])}, ε = {attack['epsilon']}"
    figure.suptitle(words)
    parts = np.atleast_1d(figure.subfigures(len(shown), 1, height_ratios=heights))
    # One scale for all variants would hide those whose activations are small.
    for part, (name, label) in zip(parts, shown.items(), strict=True):
        _draw_variant(part, layers[name], label, rows[name])
    return figure


def _draw_variant(figure: SubFigure, layer: Mapping[str, np.ndarray], label: str, rows: int) -> None:
    """Draw one variant's filters, and the activations of some of them."""
    figure.suptitle(wrap_text(f"{label}: change {percent_text(float(layer['change']))} %", _TITLE_WIDTH, 2))
    heights = [_FILTER * rows, _ACTIVATION * len(_KINDS)]
    above, below = figure.subplots(2, 1, height_ratios=heights)
    _show_filters(above, layer["weights"])
    clean, attacked = layer["activations"]
    difference = clean - attacked
    most = float(np.abs(difference).max()) or 1.0
    kinds = [(clean + 1) / 2, (attacked + 1) / 2, 0.5 + 0.5 * difference / most]
    tiles = np.repeat(to_uint8(np.clip(np.stack(kinds), 0, 1))[..., None], 3, axis=-1)
    canvas, row_centres, column_centres = mosaic(tiles, row_gap=0.06)
    show_canvas(below, canvas)
    below.set_yticks(row_centres, _KINDS)
    below.set_xticks(column_centres, [f"filter {number}" for number in layer["filters"]])


def _show_filters(axes: Axes, weights: np.ndarray) -> None:
    """Show filters as colours, 16 in a row; of a layer with other than three input channels, their mean as grey."""
    scaled = 0.5 + 0.5 * weights / (float(np.abs(weights).max()) or 1.0)
    if scaled.shape[1] != 3:
        scaled = np.repeat(scaled.mean(axis=1, keepdims=True), 3, axis=1)
    count, side = len(scaled), scaled.shape[2]
    rows = -(-count // _IN_A_ROW)
    step = side + _GAP
    canvas = np.full((rows * step - _GAP, _IN_A_ROW * step - _GAP, 3), 255, np.uint8)
    for number, tile in enumerate(to_uint8(scaled.transpose(0, 2, 3, 1))):
        top, left = step * (number // _IN_A_ROW), step * (number % _IN_A_ROW)
        canvas[top : top + side, left : left + side] = tile
    show_canvas(axes, canvas)
