"""Accuracy and calibration, as rows of results."""

from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.evaluation.confidence import expected_calibration_error
from filterfreq.evaluation.prediction import predict_with_confidence
from filterfreq.evaluation.results import format_parameter, fraction, quantity


def accuracy_and_calibration(parameter: str, correct: np.ndarray, confidences: np.ndarray) -> list[dict[str, Any]]:
    """Return the rows of the accuracy and of the calibration of a set of images.

    Args:
        parameter: of both rows, as `filterfreq.evaluation.results.format_parameter` returns it.
        correct: bool, N: whether each prediction is right.
        confidences: float, N, in [0, 1]: the probability that the model gives each prediction.

    Returns:
        A row of `accuracy` and one of `expected_calibration_error`, see `filterfreq.evaluation.confidence`. The second
        stands on the images whose confidence is a number.
    """
    known = np.isfinite(confidences)
    error = expected_calibration_error(confidences[known], correct[known])
    return [
        fraction("accuracy", parameter, correct.sum(), len(correct)),
        quantity("expected_calibration_error", parameter, error, known.sum()),
    ]


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
        batch_size: see `filterfreq.evaluation.prediction.predict`.
        device: where to compute.

    Returns:
        The rows of `accuracy_and_calibration` under names of their own, `clean_accuracy` and `clean_calibration_error`,
        so that they are in no mean over the suite's accuracies. Their parameter holds the number of images.
    """
    predictions, confidences = predict_with_confidence(model, images, batch_size, device)
    parameter = format_parameter(split="test", images=len(labels))
    accuracy, calibration = accuracy_and_calibration(parameter, predictions == labels, confidences)
    return [{**accuracy, "metric": "clean_accuracy"}, {**calibration, "metric": "clean_calibration_error"}]
