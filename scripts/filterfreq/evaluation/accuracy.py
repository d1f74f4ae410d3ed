"""Accuracy on clean, corrupted, shifted and cue-conflict images.

Every evaluation takes a classifier (float images N x C x H x W in [0, 1] to logits) and stored uint8 images, which are
converted batch by batch, so that memory maps stay on disk.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.calibration import expected_calibration_error
from filterfreq.evaluation.corruptions import SEVERITIES
from filterfreq.evaluation.observers import error_consistency
from filterfreq.evaluation.results import format_parameter, fraction, quantity
from filterfreq.evaluation.shape_bias import shape_bias
from filterfreq.runtime.errors import InputError


@contextmanager
def inference(model: nn.Module, device: torch.device | str) -> Iterator[None]:
    """Have a model on `device`, in evaluation mode, with parameters that need no gradients.

    Attacks ask for gradients by the image alone: without the parameters' they take less memory and leave no `.grad`
    behind. At the end modes and parameters are as they were; the model stays on the device.
    """
    training = [module for module in model.modules() if module.training]
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    model.to(device).eval().requires_grad_(False)
    try:
        yield
    finally:
        for module in training:
            module.training = True
        for parameter in trainable:
            parameter.requires_grad_(True)


class CategoryClassifier(nn.Module):
    """A classifier that answers with categories of which each holds several of another classifier's classes.

    The probability of a category is the mean over its classes, so that a category of many has no advantage; classes
    outside all categories are ignored. With `filterfreq.data.shifted.imagenet_categories.CATEGORIES` an ImageNet model
    answers as in Geirhos et al., ImageNet-trained CNNs are biased towards texture, ICLR 2019.

    Args:
        classifier: float images N x C x H x W in [0, 1] to logits N x K.
        categories: the indices of each category's classes, below K.
    """

    def __init__(self, classifier: nn.Module, categories: Iterable[Sequence[int]]) -> None:
        super().__init__()
        self.classifier = classifier
        self.categories = [list(classes) for classes in categories]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logarithms of the categories' probabilities, N x number of categories, not normalised."""
        logs = self.classifier(images).log_softmax(dim=1)
        if all(len(classes) == 1 for classes in self.categories):
            return logs[:, [classes[0] for classes in self.categories]]
        sums = [logs[:, classes].logsumexp(dim=1) - math.log(len(classes)) for classes in self.categories]
        return torch.stack(sums, dim=1)


def predict(model: nn.Module, images: np.ndarray, batch_size: int, device: torch.device | str) -> np.ndarray:
    """Return the predicted classes.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute.

    Returns:
        int64, N.
    """
    return predict_with_confidence(model, images, batch_size, device)[0]


def predict_with_confidence(
    model: nn.Module, images: np.ndarray, batch_size: int, device: torch.device | str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the predicted classes, and the softmax probabilities that the model gives them.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        batch_size: see `predict`.
        device: where to compute.

    Returns:
        int64, N, and float32, N, in [0, 1].
    """
    predictions = torch.empty(len(images), dtype=torch.int64, device=device)
    confidences = torch.empty(len(images), dtype=torch.float32, device=device)
    with inference(model, device), torch.no_grad():
        for start in range(0, len(images), batch_size):
            batch = slice(start, start + batch_size)
            logits = model(to_images(images[batch], device))
            predictions[batch] = logits.argmax(dim=1)
            confidences[batch] = logits.softmax(dim=1).amax(dim=1)
    return predictions.cpu().numpy(), confidences.cpu().numpy()


def evaluate_clean(
    model: nn.Module, images: np.ndarray, labels: np.ndarray, batch_size: int, device: torch.device | str
) -> list[dict[str, Any]]:
    """Measure the accuracy and the calibration on test images, the suite `clean`.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        labels: int64, N.
        batch_size: see `predict`.
        device: where to compute.

    Returns:
        A row of the accuracy and one of the expected calibration error, see `filterfreq.evaluation.calibration`.
    """
    predictions, confidences = predict_with_confidence(model, images, batch_size, device)
    return _accuracy_and_calibration(format_parameter(split="test"), predictions == labels, confidences)


def evaluate_before(
    model: nn.Module, images: np.ndarray, labels: np.ndarray, batch_size: int, device: torch.device | str
) -> list[dict[str, Any]]:
    """Measure a suite's images as they are before the suite attacks or corrupts them.

    A suite may see fewer images than `clean`. What it adds to an error, and where a curve of it begins, is told by the
    same images alone.

    Args:
        model: a classifier.
        images: the suite's test images, uint8, N x H x W x C.
        labels: int64, N.
        batch_size: see `predict`.
        device: where to compute.

    Returns:
        The rows of `evaluate_clean` under names of their own, `clean_accuracy` and `clean_calibration_error`, so that
        they are in no mean over the suite's accuracies. Their parameter holds the number of images.
    """
    predictions, confidences = predict_with_confidence(model, images, batch_size, device)
    parameter = format_parameter(split="test", images=len(labels))
    accuracy, calibration = _accuracy_and_calibration(parameter, predictions == labels, confidences)
    return [{**accuracy, "metric": "clean_accuracy"}, {**calibration, "metric": "clean_calibration_error"}]


def evaluate_corruption(
    model: nn.Module,
    corrupted: Mapping[str, np.ndarray],
    labels: np.ndarray,
    batch_size: int,
    device: torch.device | str,
    published: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Measure the accuracy and the calibration under each corruption at each severity, the suite `corruption`.

    Args:
        model: a classifier.
        corrupted: by corruption, uint8, 5n x H x W x C, ordered as `corruptions.corrupt_images` does.
        labels: int64, n: of the n images before corruption.
        batch_size: see `predict`.
        device: where to compute.
        published: the corruptions whose images are those of the authors; the others' origin is said to be generated.

    Returns:
        Two rows per corruption and severity, as `evaluate_clean` returns them.

    Raises:
        InputError: an array does not hold 5 images per label.
    """
    for corruption, images in corrupted.items():
        if len(images) != len(SEVERITIES) * len(labels):
            raise InputError(
                f"{len(images)} images of corruption {corruption} do not fit {len(labels)} labels at {len(SEVERITIES)} "
                "severities: make the corrupted images again"
            )
    rows = []
    for corruption, images in corrupted.items():
        measured = predict_with_confidence(model, images, batch_size, device)
        predictions, confidences = (values.reshape(len(SEVERITIES), len(labels)) for values in measured)
        for severity, predicted, confidence in zip(SEVERITIES, predictions, confidences, strict=True):
            origin = "published" if corruption in published else "generated"
            parameter = format_parameter(corruption=corruption, severity=severity, origin=origin)
            rows += _accuracy_and_calibration(parameter, predicted == labels, confidence)
    return rows


def evaluate_out_of_distribution(
    model: nn.Module,
    sets: Mapping[str, tuple[np.ndarray, np.ndarray, Sequence[Sequence[int]]]],
    batch_size: int,
    device: torch.device | str,
) -> list[dict[str, Any]]:
    """Measure the accuracy and the calibration on shifted sets, the suite `out_of_distribution`.

    Where a set has some of the classes, only these can be answered, as the authors of ImageNet-A and ImageNet-R
    evaluate; where it has categories, these are (see `CategoryClassifier`).

    Args:
        model: a classifier.
        sets: by name, images, uint8, N x H x W x C; labels, int64, N; and for each label the model's classes that mean
            it, as `filterfreq.data.shifted.classes.class_targets` returns them.
        batch_size: see `predict`.
        device: where to compute.

    Returns:
        Two rows per set, as `evaluate_clean` returns them.
    """
    rows = []
    for name, (images, labels, targets) in sets.items():
        answering = CategoryClassifier(model, targets)
        predictions, confidences = predict_with_confidence(answering, images, batch_size, device)
        rows += _accuracy_and_calibration(format_parameter(set=name), predictions == labels, confidences)
    return rows


def evaluate_cue_conflict(
    model: nn.Module,
    images: np.ndarray,
    shapes: np.ndarray,
    textures: np.ndarray,
    classes: Sequence[str],
    batch_size: int,
    device: torch.device | str,
    stimuli: Sequence[str] = (),
    observers: Mapping[str, pd.DataFrame] | None = None,
) -> list[dict[str, Any]]:
    """Measure which cue decides where shape and texture disagree, the suite `cue_conflict`.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        shapes: int64, N: the class of each image's shape.
        textures: int64, N: the class of each image's texture.
        classes: the names of the classes.
        batch_size: see `predict`.
        device: where to compute.
        stimuli: the name of each image, where there are observers.
        observers: answers to the same stimuli by observer, as `filterfreq.evaluation.observers.read_responses` returns.

    Returns:
        Rows of the shape bias, overall and per class that occurs as a shape, with the number of answers that named a
        cue as n, and rows of the fraction of all images answered by their shape and by their texture; then for each
        observer a row of the error consistency, with the number of stimuli that both answered as n.

    Raises:
        InputError: an observer was shown none of the stimuli.
    """
    predictions = predict(model, images, batch_size, device)
    counts = shape_bias(pd.DataFrame({"response": predictions, "shape": shapes, "texture": textures})).counts
    answers = [("overall", counts.sum())] + [(classes[shape], row) for shape, row in counts.iterrows()]
    rows = [
        fraction("shape_bias", format_parameter(category=category), row["shape"], row.sum())
        for category, row in answers
    ]
    for cue, truth in (("shape", shapes), ("texture", textures)):
        rows.append(fraction("accuracy", format_parameter(cue=cue), (predictions == truth).sum(), len(images)))
    if observers:
        names = np.array(classes)
        own = pd.DataFrame({"stimulus": stimuli, "response": names[predictions], "shape": names[shapes]})
        for observer, responses in observers.items():
            kappa = error_consistency(own, responses)
            # Where nothing could differ it is unknown, and stands on nothing.
            common = 0 if math.isnan(kappa) else own["stimulus"].isin(responses["stimulus"]).sum()
            rows.append(quantity("error_consistency", format_parameter(observer=observer), kappa, common))
    return rows


def _accuracy_and_calibration(parameter: str, correct: np.ndarray, confidences: np.ndarray) -> list[dict[str, Any]]:
    """Make the rows of both; the calibration stands on the images whose confidence is a number."""
    known = np.isfinite(confidences)
    error = expected_calibration_error(confidences[known], correct[known])
    return [
        fraction("accuracy", parameter, correct.sum(), len(correct)),
        quantity("expected_calibration_error", parameter, error, known.sum()),
    ]
