"""Adversarial examples on *{dataset}*, of each variant's first seed.

They are of the first model that has the variant: the clean image, the attacked image, and the perturbation magnified,
with zero as grey.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from filterfreq.data.arrays import PreparedDataset
from filterfreq.publishing.attacks import attack_label, norm_label
from filterfreq.publishing.mosaic import LABELS_WIDTH, mosaic, show_canvas, to_uint8, write_under
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import TEXT_WIDTH, new_figure, use_style, wrap_text
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, verify_checksum, verify_zip
from filterfreq.training.attack_names import attack_name

PRODUCT = Product(title="Perturbations", takes=["labels", "attack"], reads="perturbations", when="perturbations_shown")

_MOST_IMAGES = 3  # before and after an attack, side by side
_RIGHT, _WRONG = "#117733", "#882255"


class Examples(NamedTuple):
    """The adversarial examples of every variant.

    Attributes:
        arrays: one mapping for each variant, in the order of the variants, see `read_perturbations`.
        true_classes: int, N.
        classes: the names of the classes.
    """

    arrays: list[dict[str, np.ndarray]]
    true_classes: np.ndarray
    classes: Sequence[str]


def read(files: Any) -> Examples:
    """Read the examples and the true classes of their images.

    Args:
        files: those of `reads="perturbations"`, by name.

    Raises:
        InputError: a file is missing, damaged, or was changed since it was written.
    """
    dataset = PreparedDataset(Path(files.dataset[0]).parent)
    arrays = [read_perturbations(file) for file in files.perturbations]
    return Examples(arrays, dataset.labels("test")[: len(arrays[0]["clean"])], dataset.classes)


def draw(examples: Examples, labels: dict[str, str], attack: Mapping[str, Any]) -> Figure:
    """Show the examples of every variant.

    Args:
        examples: what `read` returns.
        labels: display labels of the variants by name, in order.
        attack: the settings of the attack, as the config has them.

    Raises:
        InputError: examples of different images, or of another data set.
    """
    words = f"{attack_label(attack_name(attack))}, {norm_label(attack['norm'])}, ε = {attack['epsilon']}"
    by_variant = dict(zip(labels, examples.arrays, strict=True))
    return draw_examples(by_variant, examples.true_classes, examples.classes, labels, words)


@use_style
def draw_examples(
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
    canvas, rows, columns = mosaic(to_uint8(tiles), row_gap=0.34, column_gap=0.06, group=3)

    aspect = canvas.shape[0] / canvas.shape[1]
    figure = new_figure(TEXT_WIDTH, 0.8 + aspect * (TEXT_WIDTH - LABELS_WIDTH), images=True)
    axes = figure.subplots()
    show_canvas(axes, canvas)
    axes.set_yticks(rows, [wrap_text(label, 14, 4) for label in shown.values()])
    axes.xaxis.tick_top()
    axes.set_xticks(columns, ["clean", "attacked", f"change ×{factor}"] * count)
    axes.set_title(f"{attack}; under each image the predicted class, right (✓) or wrong (✗)", pad=8)
    bottom = clean.shape[2] / 2
    for row, name in zip(rows, shown, strict=True):
        for image in range(count):
            for offset, key in enumerate(("clean_predictions", "adversarial_predictions")):
                prediction = int(examples[name][key][image])
                right = prediction == labels[image]
                text = f"{'✓' if right else '✗'} {classes[prediction]}"
                write_under(axes, columns[3 * image + offset], row + bottom, text, _RIGHT if right else _WRONG)
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


def _to_unit(images: np.ndarray) -> np.ndarray:
    return images / 255 if images.dtype == np.uint8 else images
