"""The suite `corruption`: accuracy and calibration under each common corruption at each severity."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.evaluation.accuracy import accuracy_and_calibration, evaluate_before
from filterfreq.evaluation.corruptions import CORRUPTIONS, SEVERITIES
from filterfreq.evaluation.corruptions.stored import find_published, load_corrupted
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import predict_with_confidence
from filterfreq.evaluation.results import format_parameter
from filterfreq.runtime.errors import InputError


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model, those of the same images before corruption first."""
    folder = Path(job.inputs["corrupted"])
    corrupted = job.read_once(
        "corrupted", lambda: {name: load_corrupted(folder / f"{name}.npy", job.threads) for name in CORRUPTIONS}
    )
    model, labels, batch_size, device = job.classifier, job.labels, job.batch_size, job.device
    rows = evaluate_before(model, job.images, labels, batch_size, device)
    return rows + evaluate_corruption(model, corrupted, labels, batch_size, device, find_published(folder))


def evaluate_corruption(
    model: nn.Module,
    corrupted: Mapping[str, np.ndarray],
    labels: np.ndarray,
    batch_size: int,
    device: torch.device | str,
    published: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Measure the accuracy and the calibration under each corruption at each severity.

    Args:
        model: a classifier.
        corrupted: by corruption, uint8, 5n x H x W x C, all images at severity 1 first, then at severity 2, and so on.
        labels: int64, n: of the n images before corruption.
        batch_size: see `filterfreq.evaluation.prediction.predict`.
        device: where to compute.
        published: the corruptions whose images are those of the authors; the others' origin is said to be generated.

    Returns:
        Two rows per corruption and severity, as `filterfreq.evaluation.accuracy.accuracy_and_calibration` returns them.

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
            rows += accuracy_and_calibration(parameter, predicted == labels, confidence)
    return rows
