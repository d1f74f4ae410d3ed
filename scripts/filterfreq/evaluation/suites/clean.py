"""The suite `clean`: accuracy and calibration on the test images."""

from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.evaluation.accuracy import accuracy_and_calibration
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import predict_with_confidence
from filterfreq.evaluation.results import format_parameter


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model."""
    return evaluate_clean(job.classifier, job.images, job.labels, job.batch_size, job.device)


def evaluate_clean(
    model: nn.Module, images: np.ndarray, labels: np.ndarray, batch_size: int, device: torch.device | str
) -> list[dict[str, Any]]:
    """Measure the accuracy and the calibration on test images.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        labels: int64, N.
        batch_size: see `filterfreq.evaluation.prediction.predict`.
        device: where to compute.

    Returns:
        A row of the accuracy and one of the expected calibration error, see `filterfreq.evaluation.confidence`.
    """
    predictions, confidences = predict_with_confidence(model, images, batch_size, device)
    return accuracy_and_calibration(format_parameter(split="test"), predictions == labels, confidences)
