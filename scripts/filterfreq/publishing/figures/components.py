"""Test images of *{dataset}* that a network finds as they are and from their high frequencies, not from their low ones.

They are of each variant's first run on the first model that has the variant, at the radius at which most variants have
such images; first those whose least confident answer is the most confident. Under each variant stands their share of
all test images that were compared. The high component is drawn round grey, each with as much contrast as fits.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from filterfreq.data.arrays import PreparedDataset
from filterfreq.publishing.mosaic import LABELS_WIDTH, TILE_WIDTH, lay_out, show_canvas, text_under, write_under
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import new_figure, use_style, wrap_text
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, verify_checksum, verify_zip

PRODUCT = Product(
    title="Right from the high component alone",
    needs=["frequency_filtered"],
    takes=["labels"],
    reads="only_high",
    when="only_high_listed",
)

_IMAGES = 3  # of a variant, side by side
_VIEWS = ("image", "low", "high")
_RIGHT, _WRONG = "#117733", "#882255"
_REMEDY = "delete it and run again"
# In inches.
_LETTER, _TITLE_LINE = 0.075, 0.14


class Examples(NamedTuple):
    """What is shown of all variants.

    Attributes:
        arrays: one mapping for each variant, in the order of the variants, see `read_examples`.
        classes: the names of the classes.
    """

    arrays: list[dict[str, np.ndarray]]
    classes: Sequence[str]


def read(files: Any) -> Examples:
    """Read the examples of each variant, and the names of the classes.

    Args:
        files: those of `reads="only_high"`, by name.

    Raises:
        InputError: a file is missing, damaged, or was changed since it was written.
    """
    dataset = PreparedDataset(Path(files.dataset[0]).parent)
    return Examples([read_examples(file) for file in files.only_high], dataset.classes)


def read_examples(path: str | Path) -> dict[str, np.ndarray]:
    """Read what the rule `list_only_high` has kept of one run.

    Args:
        path: an .npz of the arrays that `filterfreq.evaluation.only_high.Examples` describes.

    Raises:
        InputError: the file is missing or damaged, or was changed since it was written.
    """
    names = ("radius", "index", "images", "predictions", "confidences", "radii", "counts", "total")
    with reading(path, _REMEDY):
        verify_zip(path)
        # Opened here, because numpy leaves a damaged file open.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            examples = {name: arrays[name] for name in names}
        count, images = len(examples["radius"]), examples["images"]
        if images.ndim != 5 or images.shape[:2] != (count, 3) or images.shape[-1] != 3:
            raise ValueError("arrays that are no images and their components")
        if any(examples[name].shape != (count, 3) for name in ("predictions", "confidences")):
            raise ValueError("answers of other images")
        if len(examples["radii"]) != len(examples["counts"]) or not len(examples["radii"]):
            raise ValueError("counts of other radii")
        if not np.isfinite(images).all() or (examples["predictions"] < 0).any():
            raise ValueError("values that are none of images or classes")
    verify_checksum(path)
    return examples


@use_style
def draw(examples: Examples, labels: dict[str, str]) -> Figure:
    """Show for each variant some images, their components, and what is answered to each with which confidence.

    Args:
        examples: what `read` returns.
        labels: display labels of the variants by name, in order.

    Raises:
        InputError: examples of other radii or sizes, or of other classes.
    """
    arrays, classes = examples.arrays, examples.classes
    sizes = {(tuple(one["radii"]), one["images"].shape[2:]) for one in arrays}
    if len(sizes) > 1 or max((one["predictions"].max(initial=0) for one in arrays), default=0) >= len(classes):
        raise InputError(
            f"the examples of {', '.join(labels)} are of other images, or of another data set than one of "
            f"{len(classes)} classes: delete their files and run again"
        )
    radius = _shown_radius(arrays)
    shown = [np.flatnonzero(one["radius"] == radius)[:_IMAGES] for one in arrays]
    columns = max(1, *map(len, shown))
    height, width, channels = arrays[0]["images"].shape[2:]
    tiles = np.ones((len(arrays), columns, len(_VIEWS), height, width, channels))
    texts = []
    for row, (one, chosen) in enumerate(zip(arrays, shown, strict=True)):
        texts.append([("", "0.15")] * (columns * len(_VIEWS)))
        for column, number in enumerate(chosen):
            tiles[row, column] = _display_views(one["images"][number])
            first = column * len(_VIEWS)
            texts[row][first : first + len(_VIEWS)] = _answers(
                one["predictions"][number], one["confidences"][number], classes
            )
    block = lay_out(tiles, texts)
    figure_width = LABELS_WIDTH + block.canvas.shape[1] / width * TILE_WIDTH
    said = f"radius {radius:g}; under each the predicted class and its probability: ✓ right, ✗ wrong"
    title = wrap_text(said, int(figure_width / _LETTER), 3)
    canvas_height = block.canvas.shape[0] / block.canvas.shape[1] * (figure_width - LABELS_WIDTH)
    above = _TITLE_LINE * (1 + title.count("\n")) + 0.3
    figure = new_figure(figure_width, above + canvas_height, images=True)
    figure.suptitle(title)
    axes = figure.subplots()
    show_canvas(axes, block.canvas)
    axes.set_yticks(
        block.rows, [_row_name(label, one, radius) for label, one in zip(labels.values(), arrays, strict=True)]
    )
    axes.xaxis.tick_top()
    axes.set_xticks(block.columns, list(_VIEWS) * columns)
    for row, its_texts in zip(block.rows, block.texts, strict=True):
        for column, (text, colour) in zip(block.columns, its_texts, strict=True):
            write_under(axes, column, row + height / 2, text, colour)
    return figure


def _shown_radius(arrays: Sequence[Mapping[str, np.ndarray]]) -> float:
    """Return the radius at which the most variants have images, of several that with the most images in all."""
    counts = np.stack([one["counts"] for one in arrays])
    best = max(range(counts.shape[1]), key=lambda number: ((counts[:, number] > 0).sum(), counts[:, number].sum()))
    return float(arrays[0]["radii"][best])


def _row_name(label: str, one: Mapping[str, np.ndarray], radius: float) -> str:
    """A variant, and how many of its images are such."""
    share = one["counts"][list(one["radii"]).index(radius)] / max(int(one["total"]), 1)
    return f"{wrap_text(label, 14, 3)}\n{100 * share:.1f} % of images"


def _display_views(views: np.ndarray) -> np.ndarray:
    """Return an image and its components (3 x H x W x 3) in [0, 1]: the high one without its mean, round grey."""
    image, low, high = views
    high = high - high.mean(axis=(0, 1))
    return np.stack([image, low.clip(0, 1), 0.5 + 0.5 * high / max(np.abs(high).max(), 1e-6)]).clip(0, 1)


def _answers(predictions: np.ndarray, confidences: np.ndarray, classes: Sequence[str]) -> list[tuple[str, str]]:
    """Return what stands under an image and its components, and in which colour."""
    is_right = predictions == predictions[0]
    return [
        (
            f"{'✓' if right else '✗'} {text_under(classes[answer])}\n{100 * confidence:.0f} %",
            _RIGHT if right else _WRONG,
        )
        for right, answer, confidence in zip(is_right, predictions, confidences, strict=True)
    ]
