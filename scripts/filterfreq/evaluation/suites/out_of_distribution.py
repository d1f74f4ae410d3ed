"""The suite `out_of_distribution`: accuracy and calibration on test images of other distributions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.shifted.classes import class_targets, classes_of
from filterfreq.data.shifted.prepared import PreparedShift
from filterfreq.evaluation.accuracy import accuracy_and_calibration
from filterfreq.evaluation.categories import CategoryClassifier
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import predict_with_confidence
from filterfreq.evaluation.results import format_parameter


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model."""
    return evaluate_out_of_distribution(
        job.classifier, job.read_once("sets", lambda: read_sets(job)), job.batch_size, job.device
    )


def read_sets(job: SuiteJob) -> dict[str, tuple[Any, np.ndarray, list[list[int]]]]:
    """Return the sets that `evaluate_out_of_distribution` takes.

    `inputs.dataset` is missing where the classes of a model are known without the images.
    """
    dataset = job.inputs.get("dataset")
    prepared = PreparedDataset(Path(dataset).parent) if dataset else None
    classes = classes_of(job.record["run"]["dataset"], job.record, prepared)
    count = job.settings.get("images")
    sets = {}
    for folder in job.inputs["shifted"]:
        shifted = PreparedShift(folder, job.threads)
        sets[shifted.name] = shifted.images()[:count], shifted.labels()[:count], class_targets(shifted, classes)
    return sets


def evaluate_out_of_distribution(
    model: nn.Module,
    sets: Mapping[str, tuple[np.ndarray, np.ndarray, Sequence[Sequence[int]]]],
    batch_size: int,
    device: torch.device | str,
) -> list[dict[str, Any]]:
    """Measure the accuracy and the calibration on shifted sets.

    Where a set has some of the classes, only these can be answered, as the authors of ImageNet-A and ImageNet-R
    evaluate; where it has categories, these are (see `CategoryClassifier`).

    Args:
        model: a classifier.
        sets: by name, images, uint8, N x H x W x C; labels, int64, N; and for each label the model's classes that mean
            it, as `filterfreq.data.shifted.classes.class_targets` returns them.
        batch_size: see `filterfreq.evaluation.prediction.predict`.
        device: where to compute.

    Returns:
        Two rows per set, as `filterfreq.evaluation.accuracy.accuracy_and_calibration` returns them.
    """
    rows = []
    for name, (images, labels, targets) in sets.items():
        answering = CategoryClassifier(model, targets)
        predictions, confidences = predict_with_confidence(answering, images, batch_size, device)
        rows += accuracy_and_calibration(format_parameter(set=name), predictions == labels, confidences)
    return rows
