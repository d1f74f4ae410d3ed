"""The suite `response_frequency`: which frequencies of a class's labels the answer of a classifier has.

Labels and answers are functions of where images lie along the first principal component of all that are shown. Their
transforms there, and how far they differ, are those of Xu, Zhang, Luo, Xiao, Ma, 2019, arXiv 1901.06523, section 3.2.
Of two transforms the difference is complex: where both are large and of other phases, nothing is learned, and the
difference of their magnitudes would hide it.
"""

from typing import Any, NamedTuple

import numpy as np

from filterfreq.evaluation.answers import predict_answers
from filterfreq.evaluation.image_vectors import image_vectors, vector_unit
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.response_settings import chosen_points, complete_settings, frequency_grid
from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.frequencies.nonuniform import nonuniform_dft, principal_component, projections
from filterfreq.runtime.errors import InputError

Rows = list[dict[str, Any]]


class Labels(NamedTuple):
    """What is the same for all models of a run.

    Attributes:
        images: uint8, n x H x W x C.
        positions: where they lie along their first principal component, float64, n.
        transform: of the labels, 1 for images of the class and else 0: complex128, K.
    """

    images: np.ndarray
    positions: np.ndarray
    transform: np.ndarray


def run(job: SuiteJob) -> Rows:
    """Return the rows of one model, of each split that the settings ask for.

    Raises:
        InputError: the data set has no such class.
    """
    dataset = job.record["run"]["dataset"]
    settings = complete_settings(job.settings, dataset)
    if settings["class"] >= job.dataset.num_classes:
        raise InputError(
            f"evaluation.response_frequency.class: {dataset} has no class {settings['class']}, give one of 0 to "
            f"{job.dataset.num_classes - 1}"
        )
    frequencies = frequency_grid(settings)
    rows = []
    for split in settings["split"]:
        labels = job.read_once(
            f"labels of {split} images", lambda split=split: _read_labels(job, split, dataset, settings)
        )
        answers = predict_answers(job.classifier, labels.images, settings["output"], job.batch_size, job.device)
        response = nonuniform_dft(answers[:, settings["class"]], labels.positions, frequencies)
        said = {"class": settings["class"], "split": split}
        rows += response_rows(labels.transform, response, settings, len(answers), said)
    return rows


def response_rows(
    labels: np.ndarray, response: np.ndarray, settings: dict[str, Any], count: int, said: dict[str, Any]
) -> Rows:
    """Return the rows of one model and split.

    Args:
        labels: the transform of the labels on the grid, complex128, K.
        response: that of the answers, likewise.
        settings: what `complete_settings` returns.
        count: how many images these are of.
        said: what the parameters of all rows begin with.

    Returns:
        At each frequency `label_magnitude` and `response_magnitude`, the size of each transform. For each chosen
        frequency, by its number from 0, `chosen_frequency`, which one it is, and `frequency_error`,
        `|response - labels| / |labels|`, the paper's Delta_F; NaN where the labels have nothing.
    """
    rows, output = [], settings["output"]
    for frequency, of_labels, of_response in zip(frequency_grid(settings), labels, response, strict=True):
        where = {**said, "frequency": f"{frequency:.6g}"}
        rows.append(quantity("label_magnitude", format_parameter(**where), abs(of_labels), count))
        where = {**said, "output": output, "frequency": f"{frequency:.6g}"}
        rows.append(quantity("response_magnitude", format_parameter(**where), abs(of_response), count))
    for number, point in enumerate(chosen_points(settings, np.abs(labels))):
        where = {**said, "chosen": number}
        rows.append(quantity("chosen_frequency", format_parameter(**where), frequency_grid(settings)[point], count))
        size = abs(labels[point])
        error = abs(response[point] - labels[point]) / size if size else np.nan
        where = {**said, "output": output, "chosen": number}
        rows.append(quantity("frequency_error", format_parameter(**where), error, count))
    return rows


def _read_labels(job: SuiteJob, split: str, dataset: str, settings: dict[str, Any]) -> Labels:
    images, labels = job.images_of(split), job.labels_of(split)
    vectors = image_vectors(images)
    positions = projections(vectors, principal_component(vectors)) * vector_unit(dataset, images.shape[1])
    of_class = labels == settings["class"]
    return Labels(images, positions, nonuniform_dft(of_class, positions, frequency_grid(settings)))
