"""What a classifier answers to images and to their low and high frequencies, or singular values."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.prediction import batches, inference
from filterfreq.frequencies.components import PARTS, rescale_to_maximum, singular_parts
from filterfreq.frequencies.masks import PASSES, filter_frequencies, frequency_mask
from filterfreq.runtime.errors import InputError


class ComponentViews:
    """The components of images that a classifier is shown.

    Args:
        height: of the images, in pixels.
        width: the same.
        radii: the radii of each kind of filter, "low" and "high", in cycles per image, above 0.
        svd: ranks of truncated singular value decompositions, see `singular_parts`.
        mask: "strict" or "non_strict", see `frequency_mask`.
        rescale: "released" for `rescale_to_maximum` of each component, "none" for what it is.
        keep_mean: let the high-pass keep each channel's mean; None: as `rescale` has it, with "none" yes.
        clip: clip components to [0, 1]; None: the same.

    Attributes:
        names: what each view is, in the order of `make`: ("low" or "high", radius), ("leading" or "trailing", rank).

    Raises:
        InputError: an unknown kind of filter or mask, a radius that is not above 0, or a rank that leaves nothing of
            one part.
    """

    def __init__(
        self,
        height: int,
        width: int,
        radii: Mapping[str, Sequence[float]],
        svd: Sequence[int] = (),
        mask: str = "strict",
        rescale: str = "none",
        keep_mean: bool | None = None,
        clip: bool | None = None,
    ) -> None:
        self.rescales = rescale == "released"
        self.clips = not self.rescales if clip is None else clip
        keeps_mean = not self.rescales if keep_mean is None else keep_mean
        filters = [(kind, radius) for kind, its_radii in radii.items() for radius in its_radii]
        self.masks = [frequency_mask(height, width, kind, radius, keeps_mean, mask) for kind, radius in filters]
        for rank in svd:
            if not 0 < rank < min(height, width):
                raise InputError(
                    f"the rank {rank} leaves nothing of one part of images of {height} x {width} pixels: give 1 to "
                    f"{min(height, width) - 1}"
                )
        self.ranks = list(svd)
        self.names = [*filters, *((part, rank) for rank in svd for part in PARTS)]

    def make(self, images: Tensor) -> Iterator[Tensor]:
        """Yield images (float, N x C x H x W, in [0, 1]) as each view has them: of the same shape, of any range."""
        for mask in self.masks:
            yield self._finish(filter_frequencies(images, mask))
        for parts in singular_parts(images, self.ranks):
            yield from map(self._finish, parts)

    def _finish(self, component: Tensor) -> Tensor:
        component = component.clamp(0, 1) if self.clips else component
        return rescale_to_maximum(component) if self.rescales else component


class Answers(NamedTuple):
    """What a classifier answers to several views of N images.

    Attributes:
        predictions: the predicted classes, int64, views x N.
        confidences: their softmax probabilities, float32, views x N.
    """

    predictions: np.ndarray
    confidences: np.ndarray


def answer_views(
    model: nn.Module,
    images: np.ndarray,
    views: ComponentViews,
    batch_size: int,
    device: torch.device | str,
) -> Answers:
    """Classify images as they are and each of their views.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        views: of images of this size.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute.

    Returns:
        The answers, first to the original, then to the views in their order.
    """
    count = 1 + len(views.names)
    predictions = torch.empty((count, len(images)), dtype=torch.int64, device=device)
    confidences = torch.empty((count, len(images)), dtype=torch.float32, device=device)
    with inference(model, device), torch.no_grad():
        for batch in batches(len(images), batch_size, model):
            whole = to_images(images[batch], device)
            for number, view in enumerate(chain([whole], views.make(whole))):
                logits = model(view)
                predictions[number, batch] = logits.argmax(dim=1)
                confidences[number, batch] = logits.softmax(dim=1).amax(dim=1)
    return Answers(predictions.cpu().numpy(), confidences.cpu().numpy())


class OnlyHigh(NamedTuple):
    """The images that a classifier finds from the image and from its high component, and not from its low one.

    Attributes:
        radius: of the disc between the components, one for each image in the list, float64, E.
        index: the number of the image in its split, int64, E; of one radius they go up.
        predictions: of the image, its low and its high component, int64, E x 3.
        confidences: their softmax probabilities, float32, E x 3.
    """

    radius: np.ndarray
    index: np.ndarray
    predictions: np.ndarray
    confidences: np.ndarray


def common_radii(radii: Mapping[str, Sequence[float]]) -> list[float]:
    """Return the radii of both kinds of filter, at which an image has a low and a high component that add up to it."""
    return [radius for radius in radii.get("low", []) if radius in radii.get("high", [])]


def list_only_high(
    answers: Answers, names: Sequence[tuple[str, float]], radii: Sequence[float], labels: np.ndarray
) -> OnlyHigh:
    """List the images that are right as they are and from the high component, and wrong from the low one.

    Wang et al., CVPR 2020, figure 1.

    Args:
        answers: those of `answer_views`.
        names: the views after the original, see `ComponentViews`.
        radii: see `common_radii`.
        labels: int64, N.
    """
    right, found = answers.predictions == labels, []
    for radius in radii:
        index = np.flatnonzero(only_high_flags(right, names, radius))
        shown = [0, *_positions(names, radius)]
        predictions, confidences = (array[shown][:, index].T for array in answers)
        found.append(OnlyHigh(np.full(len(index), float(radius)), index, predictions, confidences))
    return OnlyHigh(*map(np.concatenate, zip(*found, strict=True)))


def only_high_flags(right: Any, names: Sequence[tuple[str, float]], radius: float) -> Any:
    """Return which images are right as they are and from their high component, and wrong from their low one.

    Args:
        right: whether each is right, an array or a tensor of bool, of the original and then of each view.
        names: the views, see `ComponentViews`.
        radius: one that both kinds of filter have.

    Returns:
        Of bool, of the shape of one view's.
    """
    low, high = _positions(names, radius)
    return right[0] & ~right[low] & right[high]


def _positions(names: Sequence[tuple[str, float]], radius: float) -> list[int]:
    """Where the low and the high component of a radius are among the original and the views."""
    return [1 + names.index((kind, radius)) for kind in PASSES]
