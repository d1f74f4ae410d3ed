"""What an intervention may change in training, and those of a variant."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from torch import Tensor, nn

from filterfreq.data.batches import ChangeImages, Share, batch_seed
from filterfreq.runtime.errors import InputError
from filterfreq.training.registry import INTERVENTIONS

_DRAWING = ("change_labels", "change_stored", "change_images", "mix")
_NO_FILES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Attack:
    """What an attack on a batch of training may use.

    Attributes:
        classifier: what is trained, in training mode; an attack leaves it so.
        logits: the function from images (N x C x H x W, in [0, 1]) to float logits (N x K) that the classifier is.
        generator: where the attack's random starts are drawn from; None for torch's global one.
        share: which of a batch's images are attacked here; None where that is all of them.
    """

    classifier: nn.Module
    logits: Callable[[Tensor], Tensor]
    generator: Any
    share: Share | None


@dataclass(frozen=True)
class Intervention:
    """What one key of a variant changes in training; what is None stays as it is.

    All that is drawn derives from the seeds that the functions are given, so that a resumed training draws the same.

    Attributes:
        stream: the name of its draws, which no other intervention has; needed where a function takes a seed.
        views: how many forms of each image a batch holds, one block after the other.
        mixes_neighbours: whether `mix` needs the image before each one, of those that other processes have too.
        change_labels: of the labels of all training images (int64, N), the names of the classes and a seed, the labels
            to train with instead, once for the whole training.
        keep_images: of the images of one class in a random order (int64, their indices), those to train on.
        validate_with: of the same, those to measure the accuracy on after each epoch.
        transform: of images as networks take them (float32, N x C x H x W, in [0, 1]), those to show instead, after
            all other changes but attacks: each image by itself and without a draw, and with values that may leave the
            range. See `filterfreq.training.data`.
        change_stored: of a batch's images after crop and flip (uint8, N x H x W x C), the seed of their draws and the
            share of the batch that they are (None: all), the images to show instead; the first of several views stays
            as it is.
        change_images: the same of the images as networks take them: float32, N x C x H x W, in [0, 1].
        mix: of images (N x C x H x W), labels (N), the number of classes K and a seed, the images and their targets
            (N x K, every row a distribution) instead.
        attack: of images, their labels and an `Attack`, the images to train on.
        after_backward: takes what `attack` returned, once it has its gradient in `grad`.
        change_cross_entropy: of a loss function of logits (N x K) and targets, one to minimise instead.
        added_loss: of logits (views x N x K) and targets, a scalar to add to the loss.
        penalty: of the classifier, a scalar to add to the loss, which the history has in a column of its own.
        save_state: returns what a resumed training needs to go on, a tensor, or None before the first batch.
        load_state: takes it again.
    """

    stream: str = ""
    views: int = 1
    mixes_neighbours: bool = False
    change_labels: Callable[[np.ndarray, Sequence[str], int], np.ndarray] | None = None
    keep_images: Callable[[np.ndarray], np.ndarray] | None = None
    validate_with: Callable[[np.ndarray], np.ndarray] | None = None
    transform: Callable[[Tensor], Tensor] | None = None
    change_stored: Callable[[Tensor, int, Share | None], Tensor] | None = None
    change_images: Callable[[Tensor, int, Share | None], Tensor] | None = None
    mix: Callable[[Tensor, Tensor, int, int], tuple[Tensor, Tensor]] | None = None
    attack: Callable[[Tensor, Tensor, Attack], Tensor] | None = None
    after_backward: Callable[[Tensor], None] | None = None
    change_cross_entropy: Callable[[Callable[..., Tensor]], Callable[..., Tensor]] | None = None
    added_loss: Callable[[Tensor, Tensor], Tensor] | None = None
    penalty: Callable[[nn.Module], Tensor] | None = None
    save_state: Callable[[], Tensor | None] | None = None
    load_state: Callable[[Tensor], None] | None = None

    def __post_init__(self) -> None:
        drawing = [hook for hook in _DRAWING if getattr(self, hook) is not None]
        if drawing and not self.stream:
            raise InputError(f"an intervention with {drawing[0]} lacks a stream: name its draws, as stream='noise'")


def interventions_of(variant: Mapping[str, Any], files: Mapping[str, str] = _NO_FILES) -> dict[str, Intervention]:
    """Return a variant's interventions by their keys, in the order of the registry.

    Args:
        variant: its settings by key.
        files: for each key whose entry says so, the file that the intervention reads.

    Raises:
        InputError: one draws and names no stream, two draw from one stream, or a file cannot be read.
    """
    found: dict[str, Intervention] = {}
    for key, entry in INTERVENTIONS.items():
        if key not in variant:
            continue
        given = [files[key]] if entry.reads_file else []
        one = importlib.import_module(entry.module).intervention(variant[key], *given)
        other = next((name for name, known in found.items() if one.stream and known.stream == one.stream), None)
        if other is not None:
            raise InputError(
                f"{key} and {other} both draw from the stream {one.stream!r}: give one another name for it"
            )
        found[key] = one
    return found


def changed_labels(
    interventions: Mapping[str, Intervention], labels: np.ndarray, classes: Sequence[str], seed: int
) -> np.ndarray | None:
    """Return the labels that a variant is trained with; None where they are those of the data set.

    Args:
        interventions: those of the variant.
        labels: of all training images, int64, N.
        classes: their names; all labels are below their number.
        seed: of the run.
    """
    changed = None
    for one in interventions.values():
        if one.change_labels is not None:
            # Epochs count from 1, so that these draws are of none.
            drawn = batch_seed(seed, 0, 0, one.stream)
            changed = one.change_labels(labels if changed is None else changed, classes, drawn)
    return changed


def composed_change(
    interventions: Mapping[str, Intervention],
    hook: str,
    seed: Callable[[int, str], int],
    last: Callable[[Tensor], Tensor] | None = None,
) -> ChangeImages | None:
    """Return what all interventions do to the images that are drawn, one after the other; None where they do nothing.

    Args:
        interventions: those of the variant.
        hook: "change_stored" or "change_images".
        seed: of the number of a batch and the name of a stream, the seed of its draws.
        last: what is done to them after that, if anything.
    """
    changes = [(one.stream, change) for one in interventions.values() if (change := getattr(one, hook)) is not None]

    def apply_changes(images: Tensor, number: int, share: Share | None) -> Tensor:
        for stream, change in changes:
            images = change(images, seed(number, stream), share)
        return images if last is None else last(images)

    return apply_changes if changes or last is not None else None
