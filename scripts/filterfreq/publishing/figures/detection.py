"""Images of detection *{detection}* whose image mAP rises most, or falls least, from the image to its first component.

The low component is clipped to what can be shown, and the high one is around mid grey, to its own scale. Solid boxes:
what the detector finds with a score of at least 0.5, the ten highest; dashed: the objects of the annotations. Above
each: the image mAP, COCO's mAP of this image alone over the categories on it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from filterfreq.evaluation.detection.parts import read_arrays
from filterfreq.publishing.class_names import class_label
from filterfreq.publishing.mosaic import show_canvas
from filterfreq.publishing.numbers import percent_text
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, use_style, wrap_text

PRODUCT = Product(title="Objects on components", reads="detections", over="detection", note="")

_MOST_PASSES = 4
_MOST_BOXES = 10
_FOUND, _TRUTH, _BEHIND = "#ffd24a", "white", "black"
_TITLE = 0.3  # inches
_LONGEST = 1.6  # height of a panel by its width


def read(files: Any) -> Mapping[str, np.ndarray]:
    """Read the examples: see `filterfreq.evaluation.detection.examples.gather_examples`.

    Raises:
        InputError: the file is missing or damaged, or was changed since it was written.
    """
    return read_arrays(files.examples)


@use_style
def draw(examples: Mapping[str, np.ndarray]) -> Figure:
    """Show each example in a row: the image itself, then its components.

    Args:
        examples: what `read` returns.
    """
    passes = [str(name) for name in examples["passes"]][:_MOST_PASSES]
    rows = sum(name.endswith("/file_name") for name in examples)
    names = dict(zip(examples["categories"].tolist(), examples["names"].tolist(), strict=True))
    width = TEXT_WIDTH / len(passes)
    shapes = [examples[f"{row}/{passes[0]}/pixels"].shape for row in range(rows)]
    heights = [width * min(_LONGEST, height / length) + _TITLE for height, length, _ in shapes]
    figure = new_figure(TEXT_WIDTH, sum(heights))
    grid = figure.subplots(rows, len(passes), squeeze=False, height_ratios=heights)
    for row in range(rows):
        for column, name in enumerate(passes):
            axes, key = grid[row, column], f"{row}/{name}"
            show_canvas(axes, examples[f"{key}/pixels"])
            _draw_boxes(axes, examples[f"{row}/truth"], examples[f"{key}/boxes"][:_MOST_BOXES], names)
            precision = percent_text(float(examples[f"{key}/precision"]))
            axes.set_title(f"{name.replace('-', ', r = ')}: mAP {precision} %", size=8)
    return figure


def _draw_boxes(axes: Axes, truth: np.ndarray, found: np.ndarray, names: Mapping[int, str]) -> None:
    for left, top, width, height, _ in truth:
        _draw_box(axes, left, top, width, height, _TRUTH, "--")
    for left, top, width, height, category, score in found:
        _draw_box(axes, left, top, width, height, _FOUND, "-")
        axes.annotate(
            f"{wrap_text(class_label(names.get(int(category), str(int(category)))), 14, 1)} {score:.2f}",
            (left, top),
            (1, -1),
            textcoords="offset points",
            ha="left",
            va="top",
            size=5,
            color=_FOUND,
            path_effects=[withStroke(linewidth=1.2, foreground=_BEHIND)],
            annotation_clip=True,
        )


def _draw_box(axes: Axes, left: float, top: float, width: float, height: float, colour: str, line: str) -> None:
    """Draw a box on a darker one, so that it is seen on any image."""
    axes.add_patch(
        Rectangle(
            (left - 0.5, top - 0.5),
            width,
            height,
            fill=False,
            edgecolor=colour,
            linestyle=line,
            linewidth=0.9,
            path_effects=[withStroke(linewidth=1.8, foreground=_BEHIND)],
        )
    )
