"""One test image of *{dataset}* under every corruption, at rising severity."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.corruptions import CORRUPTIONS, SEVERITIES
from filterfreq.evaluation.corruptions.stored import load_corrupted
from filterfreq.publishing.corruptions import corruption_label, family_grid
from filterfreq.publishing.mosaic import mosaic, show_canvas, to_uint8
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, use_style

PRODUCT = Product(title="Corruption samples", needs=["corruption"], reads="corrupted_images")


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
    """Show one image under every corruption, a row per family, the extra corruptions in the last column.

    Args:
        clean: the image itself, H x W x 3; it is shown where a family leaves a panel free.
        corrupted: by corruption, the image at severities 1, 2, 3, ...: S x H x W x 3.
        severities: those shown, from 1.
    """
    families, columns = family_grid(corrupted)
    picked = [severity - 1 for severity in severities]
    height, width = clean.shape[:2]
    tile = (TEXT_WIDTH - 0.4) / columns / (len(severities) + 0.3)
    figure = new_figure(TEXT_WIDTH, 0.35 + len(families) * (tile * height / width + 0.22), images=True)
    grid = figure.subplots(len(families), columns, squeeze=False)
    free = True
    for (family, names), row in zip(families.items(), grid, strict=True):
        for column, axes in enumerate(row):
            if column in names:
                canvas, _, centres = mosaic(to_uint8(corrupted[names[column]][picked])[None], column_gap=0.06)
                show_canvas(axes, canvas)
                axes.set_title(corruption_label(names[column]), pad=3)
                if axes in grid[-1]:
                    axes.set_xticks(centres, [str(severity) for severity in severities])
            elif free:
                # The image in the middle of an empty strip, so that it is as large as its corrupted versions.
                blank = np.full((len(severities), height, width, 3), 255, np.uint8)
                blank[len(severities) // 2] = to_uint8(clean)
                show_canvas(axes, mosaic(blank[None], column_gap=0.06)[0])
                axes.set_title("clean", pad=3)
                free = False
            else:
                axes.set_axis_off()
        row[0].set_ylabel(family)
    figure.supxlabel("severity")
    return figure
