"""Adversarial examples on *{dataset}*, of each variant's first seed.

They are of the first model that has the variant: the attacked image, and the perturbation magnified, with zero as grey.
Of the test images that were attacked for this figure, those are shown first whose class some variant no longer finds.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from filterfreq.data.arrays import PreparedDataset
from filterfreq.publishing.attacks import attack_label
from filterfreq.publishing.mosaic import (
    LABELS_WIDTH,
    TILE_WIDTH,
    lay_out,
    show_canvas,
    text_under,
    write_under,
)
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.registry import Product
from filterfreq.publishing.style import new_figure, use_style, wrap_text
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, verify_checksum, verify_zip
from filterfreq.training.attack_names import attack_name

PRODUCT = Product(
    title="Perturbations",
    takes=["classifier_labels", "attack"],
    reads="perturbations",
    when="perturbations_shown",
)

_MOST_IMAGES = 3  # side by side
_ALREADY_WRONG = "(✗)"
_RIGHT, _WRONG = "#117733", "#882255"
# In inches.
_LETTER, _TITLE_LINE = 0.075, 0.14


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


def draw(examples: Examples, classifier_labels: dict[str, str], attack: Mapping[str, Any]) -> Figure:
    """Show the examples of every variant.

    Args:
        examples: what `read` returns.
        classifier_labels: display labels of the variants by name, in order.
        attack: the settings of the attack, as the config has them.

    Raises:
        InputError: examples of different images, or of another data set.
    """
    words = f"{attack_label(attack_name(attack))}, {norm_label(attack['norm'])}, ε = {attack['epsilon']}"
    by_variant = dict(zip(classifier_labels, examples.arrays, strict=True))
    return draw_examples(by_variant, examples.true_classes, examples.classes, classifier_labels, words)


@use_style
def draw_examples(
    examples: Mapping[str, Mapping[str, np.ndarray]],
    labels: np.ndarray,
    classes: Sequence[str],
    variants: dict[str, str],
    attack: str,
    count: int = _MOST_IMAGES,
) -> Figure:
    """Show images before an attack, and below after it and what it changed, a row per variant.

    Images come first that all variants classify rightly and some no longer do after the attack, then other images
    whose prediction an attack turned from right to wrong, then the others, each in the data set's order. The
    perturbation is magnified by one factor for all variants, the largest whole number at which none of it is cut off,
    and drawn around mid grey: grey means no change.

    Args:
        examples: by variant, arrays `clean` and `adversarial` (images), `clean_predictions` and
            `adversarial_predictions` (int, N); images of equal index are the same in all variants.
        labels: the true classes, int, N.
        classes: the names of the classes.
        variants: names and display labels, in order; those without examples are left out.
        attack: the attack in words, for the heading.
        count: how many images, at most; never more than three.

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
    before, after = (
        np.stack([examples[name][f"{kind}_predictions"] == labels for name in shown])
        for kind in ("clean", "adversarial")
    )
    chosen = _changed_first(before, after)[: min(count, _MOST_IMAGES)]
    clean = np.stack([_to_unit(examples[name]["clean"][chosen]) for name in shown])
    adversarial = np.stack([_to_unit(examples[name]["adversarial"][chosen]) for name in shown])
    change = adversarial - clean
    factor = max(1, int(0.5 / max(np.abs(change).max(), 1e-3)))
    magnified = np.clip(0.5 + factor * change, 0, 1)
    # The clean images stand once, each above those of the attacked ones.
    top = np.stack([clean[:1], np.ones_like(clean[:1])], axis=2)
    truth = [[(text_under(classes[label]), "0.15") for label in labels[chosen]]]
    pairs = np.stack([adversarial, magnified], axis=2)
    answers = [
        _answer_texts(right_before[chosen], right[chosen], examples[name]["adversarial_predictions"][chosen], classes)
        for name, right_before, right in zip(shown, before, after, strict=True)
    ]
    blocks = [lay_out(top, truth), lay_out(pairs, answers)]
    width = LABELS_WIDTH + blocks[0].canvas.shape[1] / clean.shape[3] * TILE_WIDTH
    said = "under each image the predicted class: ✓ right, ✗ wrong"
    if any(_ALREADY_WRONG in text for row in answers for text, _ in row):
        said += f", {_ALREADY_WRONG} wrong before the attack, too"
    title = "\n".join(wrap_text(part, int(width / _LETTER), 3) for part in (attack, said))
    heights = [block.canvas.shape[0] / block.canvas.shape[1] * (width - LABELS_WIDTH) for block in blocks]
    above = _TITLE_LINE * (1 + title.count("\n")) + 0.3
    figure = new_figure(width, above + sum(heights), images=True)
    figure.suptitle(title)
    grid = figure.subplots(2, 1, height_ratios=heights)
    names = ["clean"], [wrap_text(label, 14, 4) for label in shown.values()]
    for axes, block, row_names in zip(grid, blocks, names, strict=True):
        show_canvas(axes, block.canvas)
        axes.set_yticks(block.rows, row_names)
        for row, texts in zip(block.rows, block.texts, strict=True):
            for column, (text, colour) in zip(block.columns[::2], texts, strict=True):
                write_under(axes, column, row + clean.shape[2] / 2, text, colour)
    grid[1].xaxis.tick_top()
    grid[1].set_xticks(blocks[1].columns, ["attacked", f"change ×{factor}"] * len(chosen))
    return figure


def _answer_texts(
    before: np.ndarray, after: np.ndarray, answers: np.ndarray, classes: Sequence[str]
) -> list[tuple[str, str]]:
    """Return what stands under a variant's attacked images, and in which colour.

    Args:
        before: whether the prediction is right before the attack, bool, N.
        after: the same after it.
        answers: the classes that are predicted after it, int, N.
        classes: the names of the classes.
    """
    marks = np.where(after, "✓", np.where(before, "✗", _ALREADY_WRONG))
    return [
        (f"{mark} {text_under(classes[answer])}", _RIGHT if right else _WRONG)
        for mark, right, answer in zip(marks, after, answers, strict=True)
    ]


def _changed_first(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the indices of images in the order in which they are worth showing.

    Args:
        before: whether each variant's prediction is right before the attack, bool, variants x N.
        after: the same after it.
    """
    changed = (before & ~after).any(axis=0)
    rank = np.where(changed, np.where(before.all(axis=0), 0, 1), 2)
    return np.argsort(rank, kind="stable")


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
