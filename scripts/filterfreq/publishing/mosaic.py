"""What sheets of images share: tiles on white, and text under them.

Images are N x H x W x 3, uint8 or floats in [0, 1].
"""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from filterfreq.publishing.class_names import class_label
from filterfreq.publishing.style import wrap_text

LABELS_WIDTH = 0.9
"""What labels take left of the images, in inches."""
TILE_WIDTH = 0.6
"""Width of an image, in inches."""
TEXT_LINE = 0.12
"""Height of a line under an image, in inches."""
_LONGEST_LINE = 11  # characters under an image


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Return images of either kind as uint8."""
    return images if images.dtype == np.uint8 else np.rint(255 * images).astype(np.uint8)


def mosaic(
    tiles: np.ndarray, row_gap: float = 0.0, column_gap: float = 0.06, group: int = 1
) -> tuple[np.ndarray, list[float], list[float]]:
    """Lay tiles out on white.

    Args:
        tiles: uint8, rows x columns x H x W x 3.
        row_gap: white below every row, as a fraction of a tile's height.
        column_gap: white between columns, as a fraction of a tile's width.
        group: columns that belong together; between groups the gap is four times as wide.

    Returns:
        The picture (uint8, height x width x 3), and the centres of its rows and columns in pixels.
    """
    rows, columns, height, width, _ = tiles.shape
    gap_below, gap = round(row_gap * height), max(1, round(column_gap * width))
    tops = [row * (height + gap_below) for row in range(rows)]
    lefts = [column * (width + gap) + (column // group) * (3 * gap if group > 1 else 0) for column in range(columns)]
    canvas = np.full((tops[-1] + height + gap_below, lefts[-1] + width, 3), 255, np.uint8)
    for top, row_tiles in zip(tops, tiles, strict=True):
        for left, tile in zip(lefts, row_tiles, strict=True):
            canvas[top : top + height, left : left + width] = tile
    centres = [top + (height - 1) / 2 for top in tops], [left + (width - 1) / 2 for left in lefts]
    return canvas, *centres


def sheet(tiles: np.ndarray, in_a_row: int) -> np.ndarray:
    """Lay small tiles out on white, so many in a row, with a gap of one pixel.

    Args:
        tiles: uint8, N x H x W x 3.
        in_a_row: of the last row, the rest stays white.

    Returns:
        The picture, uint8, height x width x 3.
    """
    count, height, width, _ = tiles.shape
    rows = -(-count // in_a_row)
    canvas = np.full((rows * (height + 1) - 1, in_a_row * (width + 1) - 1, 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = (height + 1) * (number // in_a_row), (width + 1) * (number % in_a_row)
        canvas[top : top + height, left : left + width] = tile
    return canvas


class Block(NamedTuple):
    """Rows of images, with texts under some of them.

    Attributes:
        canvas: the picture, uint8, height x width x 3.
        rows: the centres of its rows, in pixels.
        columns: the centres of its columns.
        texts: for each row the texts and their colours.
    """

    canvas: np.ndarray
    rows: list[float]
    columns: list[float]
    texts: list[list[tuple[str, str]]]


def lay_out(tiles: np.ndarray, texts: list[list[tuple[str, str]]]) -> Block:
    """Lay out rows x groups x tiles of a group x H x W x 3 tiles in [0, 1], with room for the texts."""
    rows, groups, members, height, width, channels = tiles.shape
    lines = 1 + max(text.count("\n") for row in texts for text, _ in row)
    gap = (TEXT_LINE * lines + 0.06) / (TILE_WIDTH * height / width)
    tiles = to_uint8(tiles.reshape(rows, groups * members, height, width, channels))
    return Block(*mosaic(tiles, row_gap=gap, column_gap=0.08, group=members), texts)


def show_canvas(axes: Axes, canvas: np.ndarray) -> None:
    """Show a picture (uint8, height x width x 3) pixel by pixel, without ticks and frame."""
    axes.imshow(canvas, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def text_under(name: str) -> str:
    """Return a class's name as it stands under an image: in two lines at most."""
    return wrap_text(class_label(name), _LONGEST_LINE, 2)


def write_under(axes: Axes, column: float, bottom: float, text: str, colour: str = "0.15") -> None:
    """Write a text centred under a tile."""
    axes.annotate(
        text,
        (column, bottom),
        (0, -1),
        textcoords="offset points",
        ha="center",
        va="top",
        size=7,
        linespacing=1,
        color=colour,
    )
