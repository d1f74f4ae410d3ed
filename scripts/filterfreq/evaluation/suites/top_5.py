"""The suite `top_5`: whether a test image's class is among the five that a classifier finds the most probable."""

from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import batches, inference
from filterfreq.evaluation.results import format_parameter, fraction
from filterfreq.runtime.errors import InputError

COUNTED = 5


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the row of one model."""
    return evaluate_top_5(job.classifier, job.images, job.labels, job.batch_size, job.device)


def evaluate_top_5(
    model: nn.Module, images: np.ndarray, labels: np.ndarray, batch_size: int, device: torch.device | str
) -> list[dict[str, Any]]:
    """Measure the top-5 accuracy on test images, which is at least the accuracy that the suite `clean` has on them.

    Of equal logits the one of the lower class comes first, as in `clean`.

    Args:
        model: a classifier of more than five classes.
        images: uint8, N x H x W x C.
        labels: int64, N.
        batch_size: see `filterfreq.evaluation.prediction.predict`.
        device: where to compute.

    Raises:
        InputError: the model has too few classes for the measure to say anything.
    """
    found = 0
    with inference(model, device), torch.no_grad():
        for batch in batches(len(images), batch_size, model):
            logits = model(to_images(images[batch], device))
            if logits.shape[1] <= COUNTED:
                raise InputError(
                    f"of a model with {logits.shape[1]} classes the top-{COUNTED} accuracy is always 1: take top_5 out "
                    "of the suites of this data set"
                )
            first = logits.argsort(dim=1, descending=True, stable=True)[:, :COUNTED].cpu().numpy()
            found += (first == labels[batch][:, np.newaxis]).any(axis=1).sum()
    return [fraction("top5_accuracy", format_parameter(split="test"), found, len(labels))]
