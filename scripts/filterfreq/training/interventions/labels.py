"""Labels of the training images that are not theirs."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from filterfreq.training.fractions import ceil_of
from filterfreq.training.intervention import Intervention

# In the order in which the released code changes them, class by class.
_CIFAR10 = {"bird": "airplane", "cat": "dog", "deer": "horse", "dog": "cat", "truck": "automobile"}
_OF_A_GROUP = 5
# Enough of CIFAR-100's names to know it by.
_FIRST_OF_CIFAR100 = ("apple", "aquarium_fish", "baby", "bear", "beaver")


def intervention(settings: str | Mapping[str, Any]) -> Intervention:
    """Return the intervention that trains with other labels.

    Args:
        settings: "shuffled" for one permutation of the training labels; or `noise`, "symmetric" or "asymmetric", its
            `rate` in [0, 1], and of asymmetric noise where it is given `flips`, as `asymmetric_noise` takes it.
    """
    if settings == "shuffled":
        change = _shuffled
    elif settings["noise"] == "symmetric":
        change = partial(symmetric_noise, rate=settings["rate"])
    else:
        change = partial(asymmetric_noise, rate=settings["rate"], flips=settings.get("flips", "simultaneous"))
    return Intervention(stream="labels", change_labels=change)


def _shuffled(labels: np.ndarray, _classes: Sequence[str], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(labels)


def symmetric_noise(labels: np.ndarray, classes: Sequence[str], seed: int, rate: float) -> np.ndarray:
    """Return labels of which some are drawn from all classes, the true one included.

    Liu et al. (NeurIPS 2021), as their released code has it: with K classes rate (K - 1) / K of the labels are wrong.

    Args:
        labels: int64, N.
        classes: K names.
        seed: of the draws.
        rate: q in [0, 1]; ceil(q N) labels are drawn.
    """
    rng = np.random.default_rng(seed)
    # In a fixed order, so that the labels drawn at a lower rate are drawn at a higher one too.
    chosen, drawn = rng.permutation(len(labels)), rng.integers(len(classes), size=len(labels))
    chosen = chosen[: ceil_of(rate, len(labels))]
    noisy = labels.copy()
    noisy[chosen] = drawn[chosen]
    return noisy


def asymmetric_noise(
    labels: np.ndarray, classes: Sequence[str], seed: int, rate: float, flips: str = "simultaneous"
) -> np.ndarray:
    """Return labels of which some are taken for another class, the same for all images of a class.

    With CIFAR-10's classes (Patrini et al., Making Deep Neural Networks Robust to Label Noise, CVPR 2017) trucks become
    automobiles, birds airplanes, deer horses, and cats and dogs each other; with CIFAR-100's each class the next of
    five consecutive ones, the last of which the first; with others each class the next one, and the last the first
    (Han et al., Co-teaching, NeurIPS 2018, which call it pair flipping).

    Args:
        labels: int64, N.
        classes: K names.
        seed: of the draws.
        rate: q in [0, 1]; of a class of n images ceil(q n) change. With CIFAR-100's classes each image changes with
            probability q, as in the released code of Liu et al. (NeurIPS 2021).
        flips: "simultaneous" takes the images of each class by their own labels; "released", with CIFAR-10's classes
            alone, goes from class to class in place, as that code does, so that cats that have become dogs can become
            cats again: a cat ends as a dog with probability q (1 - q).
    """
    rng = np.random.default_rng(seed)
    noisy = labels.copy()
    if tuple(classes[:_OF_A_GROUP]) == _FIRST_OF_CIFAR100:
        following = labels - labels % _OF_A_GROUP + (labels + 1) % _OF_A_GROUP
        return np.where(rng.random(len(labels)) < rate, following, labels)
    for old, new in _flipped_classes(classes).items():
        found = rng.permutation(np.flatnonzero((noisy if flips == "released" else labels) == old))
        noisy[found[: ceil_of(rate, len(found))]] = new
    return noisy


def _flipped_classes(classes: Sequence[str]) -> dict[int, int]:
    if set(_CIFAR10.values()) | set(_CIFAR10) <= set(classes):
        return {classes.index(old): classes.index(new) for old, new in _CIFAR10.items()}
    return {old: (old + 1) % len(classes) for old in range(len(classes))}
