"""Contact sheets: samples of the splits, adversarial perturbations, corruptions. From arrays alone.

Images are N x H x W x 3, uint8 or floats in [0, 1].
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from filterfreq.publishing.selection import corruption_label, family_grid
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, styled, wrapped
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, verify_checksum, verify_zip

_LABELS_WIDTH = 0.9  # inches left of the images
_MOST_CLASSES = 10
_MOST_IMAGES = 3  # before and after an attack, side by side
_LONGEST_TEXT = 12  # characters under an image
_RIGHT, _WRONG = "#117733", "#882255"


@styled
def contact_sheet(
    splits: Mapping[str, tuple[np.ndarray, np.ndarray]],
    classes: Sequence[str],
    textures: Mapping[str, np.ndarray] | None = None,
    examples: int = 2,
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
    places = np.unique(np.linspace(0, len(present) - 1, min(len(present), _MOST_CLASSES)).round().astype(int))
    shown = np.array(present)[places]
    blocks = {}
    for name, (images, labels) in splits.items():
        chosen = [np.flatnonzero(labels == label)[:examples] for label in shown]
        chosen = [np.resize(indices, examples) for indices in chosen]
        indices = np.stack(chosen, axis=1)
        tiles = _to_uint8(np.stack([images[index] for index in indices.ravel()]))
        blocks[name] = (tiles.reshape(*indices.shape, *tiles.shape[1:]), indices)

    canvases = {name: _mosaic(tiles, row_gap=0.34 if name in textures else 0.06) for name, (tiles, _) in blocks.items()}
    heights = [canvas.shape[0] / canvas.shape[1] for canvas, *_ in canvases.values()]
    figure = new_figure(TEXT_WIDTH, 0.5 + sum(heights) * (TEXT_WIDTH - _LABELS_WIDTH) + 0.1 * len(heights), images=True)
    grid = figure.subplots(len(canvases), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (name, (canvas, rows, columns)) in zip(grid, canvases.items(), strict=True):
        _show(axes, canvas)
        axes.set_ylabel(wrapped(name, 12, 3), rotation=0, ha="right", va="center")
        if name in textures:
            bottom = blocks[name][0].shape[2] / 2
            for row, of_row in zip(rows, blocks[name][1], strict=True):
                for column, index in zip(columns, of_row, strict=True):
                    _write(axes, column, row + bottom, classes[textures[name][index]])
            axes.set_xlabel("under each image: the class of its texture")
        if axes is grid[0]:
            axes.xaxis.tick_top()
            axes.set_xticks(columns, [wrapped(classes[label].replace("_", " "), 10, 3) for label in shown])
    return figure


def read_perturbations(path: str | Path) -> dict[str, np.ndarray]:
    """Read one variant's adversarial examples, as `perturbations` takes them.

    Args:
        path: an .npz of `clean` and `adversarial` (float32, N x H x W x 3, in [0, 1]), `clean_predictions` and
            `adversarial_predictions` (int64, N).

    Raises:
        InputError: the file is missing or damaged, lacks an array or has others, or was changed since it was written.
    """
    names = ("clean", "adversarial", "clean_predictions", "adversarial_predictions")
    remedy = "delete it and run again"
    with reading(path, remedy):
        verify_zip(path)
        # Opened here, because numpy leaves a damaged file open.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            examples = {name: arrays[name] for name in names}
        images, predictions = ([examples[name] for name in pair] for pair in (names[:2], names[2:]))
        shapes = {array.shape for array in images} | {(*array.shape, *images[0].shape[1:]) for array in predictions}
        if len(shapes) > 1 or images[0].ndim != 4 or images[0].shape[3] != 3 or len(images[0]) == 0:
            raise ValueError("arrays that are no images, or no predictions of them")
        if not all(((array >= 0) & (array <= 1)).all() for array in images):
            raise ValueError("images that leave [0, 1]")
        if not all(array.dtype == np.int64 and (array >= 0).all() for array in predictions):
            raise ValueError("predictions that are no classes")
    verify_checksum(path)
    return examples


@styled
def perturbations(
    examples: Mapping[str, Mapping[str, np.ndarray]],
    labels: np.ndarray,
    classes: Sequence[str],
    variants: dict[str, str],
    attack: str,
    count: int = _MOST_IMAGES,
) -> Figure:
    """Show images before and after an attack and what it changed, a row per variant.

    The perturbation is magnified by one factor for all variants, the largest whole number at which none of it is cut
    off, and drawn around mid grey: grey means no change.

    Args:
        examples: by variant, arrays `clean` and `adversarial` (images), `clean_predictions` and
            `adversarial_predictions` (int, N); images of equal index are the same in all variants.
        labels: the true classes, int, N.
        classes: the names of the classes.
        variants: names and display labels, in order; those without examples are left out.
        attack: the attack in words, for the heading.
        count: how many images, at most; never more than three, or the text under them would not fit.

    Raises:
        InputError: there are no examples of any variant, or a prediction is none of the classes.
    """
    shown = {name: label for name, label in variants.items() if name in examples}
    if not shown:
        raise InputError(f"there are no adversarial examples of the variants {', '.join(variants)}: make them first")
    shapes = {examples[name]["clean"].shape for name in shown}
    largest = max(examples[name][f"{kind}_predictions"].max() for name in shown for kind in ("clean", "adversarial"))
    if len(shapes) > 1 or largest >= len(classes):
        raise InputError(
            f"the adversarial examples of {', '.join(shown)} are not of the same images, or of another data set than "
            f"one of {len(classes)} classes: delete their files and run again"
        )
    count = min(count, len(labels), _MOST_IMAGES)
    clean, adversarial = (
        np.stack([_to_unit(examples[name][key][:count]) for name in shown]) for key in ("clean", "adversarial")
    )
    change = adversarial - clean
    factor = max(1, int(0.5 / max(np.abs(change).max(), 1e-3)))
    magnified = np.clip(0.5 + factor * change, 0, 1)
    tiles = np.stack([clean, adversarial, magnified], axis=2).reshape(len(shown), 3 * count, *clean.shape[2:])
    canvas, rows, columns = _mosaic(_to_uint8(tiles), row_gap=0.34, column_gap=0.06, group=3)

    aspect = canvas.shape[0] / canvas.shape[1]
    figure = new_figure(TEXT_WIDTH, 0.8 + aspect * (TEXT_WIDTH - _LABELS_WIDTH), images=True)
    axes = figure.subplots()
    _show(axes, canvas)
    axes.set_yticks(rows, [wrapped(label, 14, 4) for label in shown.values()])
    axes.xaxis.tick_top()
    axes.set_xticks(columns, ["clean", "attacked", f"change ×{factor}"] * count)
    axes.set_title(f"{attack}; under each image the predicted class, right (✓) or wrong (✗)", pad=8)
    bottom = clean.shape[2] / 2
    for row, name in zip(rows, shown, strict=True):
        for image in range(count):
            for place, key in enumerate(("clean_predictions", "adversarial_predictions")):
                prediction = int(examples[name][key][image])
                right = prediction == labels[image]
                text = f"{'✓' if right else '✗'} {classes[prediction]}"
                _write(axes, columns[3 * image + place], row + bottom, text, _RIGHT if right else _WRONG)
    return figure


@styled
def corruption_sheet(
    clean: np.ndarray, corrupted: Mapping[str, np.ndarray], severities: Sequence[int] = (1, 3, 5)
) -> Figure:
    """Show one image under every corruption, a row per family, the extra corruptions in the last column.

    Args:
        clean: the image itself, H x W x 3; it is shown where a family leaves a place free.
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
    for (family, places), row in zip(families.items(), grid, strict=True):
        for place, axes in enumerate(row):
            if place in places:
                canvas, _, centres = _mosaic(_to_uint8(corrupted[places[place]][picked])[None], column_gap=0.06)
                _show(axes, canvas)
                axes.set_title(corruption_label(places[place]), pad=3)
                if axes in grid[-1]:
                    axes.set_xticks(centres, [str(severity) for severity in severities])
            elif free:
                # The image in the middle of an empty strip, so that it is as large as its corrupted versions.
                blank = np.full((len(severities), height, width, 3), 255, np.uint8)
                blank[len(severities) // 2] = _to_uint8(clean)
                _show(axes, _mosaic(blank[None], column_gap=0.06)[0])
                axes.set_title("clean", pad=3)
                free = False
            else:
                axes.set_axis_off()
        row[0].set_ylabel(family)
    figure.supxlabel("severity")
    return figure


def _to_unit(images: np.ndarray) -> np.ndarray:
    return images / 255 if images.dtype == np.uint8 else images


def _to_uint8(images: np.ndarray) -> np.ndarray:
    return images if images.dtype == np.uint8 else np.rint(255 * images).astype(np.uint8)


def _mosaic(
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
    for top, of_row in zip(tops, tiles, strict=True):
        for left, tile in zip(lefts, of_row, strict=True):
            canvas[top : top + height, left : left + width] = tile
    centres = [top + (height - 1) / 2 for top in tops], [left + (width - 1) / 2 for left in lefts]
    return canvas, *centres


def _show(axes: Axes, canvas: np.ndarray) -> None:
    axes.imshow(canvas, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _write(axes: Axes, column: float, bottom: float, text: str, colour: str = "0.15") -> None:
    """Write a text centred under a tile, cut to the tile's width."""
    text = text.replace("_", " ")
    axes.annotate(
        text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…",
        (column, bottom),
        (0, -1),
        textcoords="offset points",
        ha="center",
        va="top",
        size=7,
        color=colour,
    )
