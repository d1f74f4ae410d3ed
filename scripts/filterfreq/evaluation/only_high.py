"""The images that a classifier finds from their high component and not from their low one: a list, and some of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.data.image_files import ImageFiles
from filterfreq.evaluation.components import ComponentViews, OnlyHigh, answer_views, common_radii, list_only_high
from filterfreq.frequencies.masks import PASSES

EXAMPLES = 3
"""Images of each radius that are kept for the figure."""


@dataclass(frozen=True)
class Examples:
    """Images and their components, for display.

    Attributes:
        radius: of the disc between the components, float64, E.
        index: the number of the image among the test images, int64, E.
        images: each image, its low and its high component as the classifier saw them, float32, E x 3 x H x W x C.
        predictions: the predicted classes of these, int64, E x 3; of the image and of the high component its own.
        confidences: their softmax probabilities, float32, E x 3.
        radii: all radii that were compared, float64, R.
        counts: how many images were found at each, int64, R.
        total: how many there were, int64, without dimension.
    """

    radius: np.ndarray
    index: np.ndarray
    images: np.ndarray
    predictions: np.ndarray
    confidences: np.ndarray
    radii: np.ndarray
    counts: np.ndarray
    total: np.ndarray


def find_only_high(
    model: nn.Module,
    images: np.ndarray | ImageFiles,
    labels: np.ndarray,
    settings: Mapping[str, Any],
    classes: Sequence[str],
    batch_size: int,
    device: torch.device | str,
) -> tuple[pd.DataFrame, Examples]:
    """Find the images that are right as they are and from the high component, and wrong from the low one.

    Wang, Wu, Huang, Xing, High-Frequency Component Helps Explain the Generalization of Convolutional Neural Networks,
    CVPR 2020, figure 1.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        labels: int64, N.
        settings: those of the suite `frequency_filtered`: `radii`, and what it has of `mask`, `rescale`, `keep_mean`
            and `clip`.
        classes: the names of the classes.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute.

    Returns:
        The list, a row for each radius and image in their order, with the columns radius, image (its number), class,
        confidence, low_class, low_confidence and high_confidence; and for each radius the `EXAMPLES` images whose least
        confident answer is the most confident.
    """
    radii = common_radii(settings["radii"])
    options = {key: settings[key] for key in ("mask", "rescale", "keep_mean", "clip") if key in settings}
    views = ComponentViews(*images.shape[1:3], dict.fromkeys(PASSES, radii), **options)
    answers = answer_views(model, images, views, batch_size, device)
    found = list_only_high(answers, views.names, radii, labels)
    names = np.array(classes, dtype=object)
    table = pd.DataFrame(
        {
            "radius": found.radius,
            "image": found.index,
            "class": names[found.predictions[:, 0]],
            "confidence": found.confidences[:, 0],
            "low_class": names[found.predictions[:, 1]],
            "low_confidence": found.confidences[:, 1],
            "high_confidence": found.confidences[:, 2],
        }
    )
    chosen = np.concatenate([choose_examples(found, radius) for radius in radii])
    shown = np.empty((len(chosen), 3, *images.shape[1:]), np.float32)
    for number, which in enumerate(chosen):
        original = to_images(np.asarray(images[found.index[which]])[None], "cpu")
        by_name = dict(zip(views.names, views.make(original), strict=True))
        components = [by_name[kind, found.radius[which]] for kind in PASSES]
        shown[number] = torch.cat([original, *components]).permute(0, 2, 3, 1).numpy()
    return table, Examples(
        radius=found.radius[chosen],
        index=found.index[chosen],
        images=shown,
        predictions=found.predictions[chosen],
        confidences=found.confidences[chosen],
        radii=np.array(radii, np.float64),
        counts=np.array([(found.radius == radius).sum() for radius in radii], np.int64),
        total=np.array(len(labels), np.int64),
    )


def choose_examples(found: OnlyHigh, radius: float) -> np.ndarray:
    """Return where in the list the examples of a radius are: of each class the most confident one, then the others.

    Args:
        found: the list.
        radius: one of its radii.

    Returns:
        Positions in the list, at most `EXAMPLES`.
    """
    there = np.flatnonzero(found.radius == radius)
    surest = there[np.argsort(-found.confidences[there].min(axis=1), kind="stable")]
    firsts = np.sort(np.unique(found.predictions[surest, 0], return_index=True)[1])
    return np.concatenate([surest[firsts], np.delete(surest, firsts)])[:EXAMPLES]
