"""Images of *{dataset}*, of each class that has some.

They are training, test and cue-conflict images, as far as the data set has them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from filterfreq.data.arrays import PreparedDataset
from filterfreq.publishing.class_names import class_label
from filterfreq.publishing.mosaic import (
    LABELS_WIDTH,
    TEXT_LINE,
    TILE_WIDTH,
    mosaic,
    show_canvas,
    text_under,
    to_uint8,
    write_under,
)
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import COLUMN_WIDTH, TEXT_WIDTH, new_figure, use_style, wrap_text
from filterfreq.runtime.errors import InputError

PRODUCT = Product(title="Samples", reads="images", when="images_shown")

_MOST_CLASSES = 10
_NARROWEST = COLUMN_WIDTH / 2  # of a data set with few classes


class Samples(NamedTuple):
    """The images of a data set that are shown.

    Attributes:
        splits: display names of the splits, and their images (N x H x W x 3, uint8) and labels (int, N).
        classes: the names of the classes.
        textures: for the split of cue conflict the classes of the textures (int, N).
    """

    splits: dict[str, tuple[np.ndarray, np.ndarray]]
    classes: Sequence[str]
    textures: dict[str, np.ndarray]


def read(files: Any) -> Samples:
    """Open a prepared data set.

    Args:
        files: those of `reads="images"`, by name.

    Raises:
        InputError: a file is missing or damaged.
    """
    dataset = PreparedDataset(Path(files.dataset[0]).parent)
    splits = {
        name: (dataset.images(name), dataset.labels(name)) for name in ("train", "test") if dataset.has_split(name)
    }
    textures = {}
    if "cue_conflict_images" in dataset.record["arrays"]:
        splits["cue conflict"] = (dataset.images("cue_conflict"), dataset.array("cue_conflict_shapes"))
        textures["cue conflict"] = dataset.array("cue_conflict_textures")
    return Samples(splits, dataset.classes, textures)


def draw(samples: Samples) -> Figure:
    """Show the first images of every class and split.

    Raises:
        InputError: no class has an image in every split.
    """
    return contact_sheet(samples.splits, samples.classes, samples.textures)


@use_style
def contact_sheet(
    splits: Mapping[str, tuple[np.ndarray, np.ndarray]],
    classes: Sequence[str],
    textures: Mapping[str, np.ndarray] | None = None,
    examples: int = 1,
) -> Figure:
    """Show the first images of every class, a block of rows per split.

    Args:
        splits: display names of the splits, and their images and labels (int, N; of cue conflict: the shapes).
        classes: the names of the classes; of more than ten that have images, ten evenly spread ones are shown.
        textures: for splits of cue conflict the classes of their textures (int, N), written under the images.
        examples: how many images of each class and split.

    Raises:
        InputError: no class has an image in every split.
    """
    textures = textures or {}
    # A data set for evaluation alone may lack images of some classes.
    present = sorted(set.intersection(*(set(np.unique(labels).tolist()) for _, labels in splits.values())))
    if not present:
        raise InputError("no class has an image in every split: prepare the data set again")
    chosen = np.unique(np.linspace(0, len(present) - 1, min(len(present), _MOST_CLASSES)).round().astype(int))
    shown = np.array(present)[chosen]
    blocks = {}
    for name, (images, labels) in splits.items():
        chosen = [np.flatnonzero(labels == label)[:examples] for label in shown]
        chosen = [np.resize(indices, examples) for indices in chosen]
        indices = np.stack(chosen, axis=1)
        tiles = to_uint8(np.stack([images[index] for index in indices.ravel()]))
        names = {index: text_under(classes[textures[name][index]]) for index in indices.ravel() if name in textures}
        blocks[name] = tiles.reshape(*indices.shape, *tiles.shape[1:]), indices, names

    tile_width = min(TILE_WIDTH, (TEXT_WIDTH - LABELS_WIDTH) / (1.07 * len(shown)))
    canvases = {}
    for name, (tiles, _, names) in blocks.items():
        lines = max((text.count("\n") + 1 for text in names.values()), default=0)
        tile_height = tile_width * tiles.shape[2] / tiles.shape[3]
        canvases[name] = mosaic(tiles, row_gap=(TEXT_LINE * lines + 0.04) / tile_height)
    width = max(_NARROWEST, LABELS_WIDTH + 1.07 * tile_width * len(shown))
    heights = [canvas.shape[0] / canvas.shape[1] for canvas, *_ in canvases.values()]
    titles = [wrap_text(class_label(classes[label]), 10, 3) for label in shown]
    above = TEXT_LINE * (1 + max(title.count("\n") for title in titles))
    figure = new_figure(width, 0.15 + above + sum(heights) * (width - LABELS_WIDTH), images=True)
    grid = figure.subplots(len(canvases), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (name, (canvas, rows, columns)) in zip(grid, canvases.items(), strict=True):
        show_canvas(axes, canvas)
        tiles, indices, names = blocks[name]
        said = f"{name} (under an image: its texture)" if names else name
        axes.set_ylabel(wrap_text(said, 12, 5), rotation=0, ha="right", va="center")
        for row, row_indices in zip(rows, indices, strict=True):
            for column, index in zip(columns, row_indices, strict=True):
                if names:
                    write_under(axes, column, row + tiles.shape[2] / 2, names[index])
        if axes is grid[0]:
            axes.xaxis.tick_top()
            axes.set_xticks(columns, titles)
    return figure
