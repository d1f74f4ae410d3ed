"""One test image of *{dataset}* under every corruption, at rising severity."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.corruptions import CORRUPTIONS, SEVERITIES
from filterfreq.evaluation.corruptions.stored import load_corrupted
from filterfreq.publishing.corruptions import corruption_label, corruption_rows
from filterfreq.publishing.mosaic import mosaic, show_canvas, to_uint8
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import new_figure, use_style

PRODUCT = Product(title="Corruption samples", needs=["corruption"], reads="corrupted_images")

_TILE_WIDTH = 0.36  # of an image, in inches


class CorruptedImage(NamedTuple):
    """One image before and after every corruption.

    Attributes:
        clean: H x W x 3, uint8.
        corrupted: by corruption, the image at severities 1, 2, 3, ...: S x H x W x 3, uint8.
    """

    clean: np.ndarray
    corrupted: dict[str, np.ndarray]


def read(files: Any) -> CorruptedImage:
    """Read the first test image and its corrupted versions.

    Args:
        files: those of `reads="corrupted_images"`, by name.

    Raises:
        InputError: a file is missing or damaged.
    """
    clean = np.asarray(PreparedDataset(Path(files.dataset[0]).parent).images("test")[:1])[0]
    sets = {name: load_corrupted(Path(files.corrupted[0], f"{name}.npy")) for name in CORRUPTIONS}
    # Each file holds one block per severity, so the first image comes back once per block.
    corrupted = {name: np.asarray(images[:: len(images) // len(SEVERITIES)]) for name, images in sets.items()}
    return CorruptedImage(clean, corrupted)


def draw(images: CorruptedImage) -> Figure:
    """Show one image under every corruption."""
    return corruption_sheet(images.clean, images.corrupted)


@use_style
def corruption_sheet(
    clean: np.ndarray, corrupted: Mapping[str, np.ndarray], severities: Sequence[int] = (1, 3, 5)
) -> Figure:
    """Show one image under every corruption, a row per family, and one of the extra corruptions.

    Args:
        clean: the image itself, H x W x 3; it is shown first, in the first row that leaves room for it.
        corrupted: by corruption, the image at severities 1, 2, 3, ...: S x H x W x 3.
        severities: those shown, from 1.
    """
    rows = corruption_rows(corrupted)
    columns = max(map(len, rows.values()))
    first = next((title for title, names in rows.items() if len(names) < columns), None)
    picked = [severity - 1 for severity in severities]
    height, width = clean.shape[:2]
    panel = _TILE_WIDTH * (len(severities) + 0.4)
    figure = new_figure(0.4 + columns * panel, 0.35 + len(rows) * (_TILE_WIDTH * height / width + 0.24), images=True)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for (title, names), row in zip(rows.items(), grid, strict=True):
        row[0].set_ylabel(title)
        shown = ["clean", *names] if title == first else names
        for axes, name in itertools.zip_longest(row, shown):
            if name is None:
                axes.set_axis_off()
                continue
            # The clean image stands in an empty strip, so that it is as large as its corrupted versions.
            strip = np.full((len(severities), height, width, 3), 255, np.uint8)
            if name == "clean":
                strip[len(severities) // 2] = to_uint8(clean)
            else:
                strip = to_uint8(corrupted[name][picked])
            canvas, _, centres = mosaic(strip[None], column_gap=0.06)
            show_canvas(axes, canvas)
            axes.set_title(corruption_label(name), pad=3)
            if axes in grid[-1]:
                axes.set_xticks(centres, [str(severity) for severity in severities])
    figure.supxlabel("severity")
    return figure
