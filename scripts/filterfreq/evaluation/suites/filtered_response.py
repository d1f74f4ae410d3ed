"""The suite `filtered_response`: how far the low and the high frequencies of a classifier's answer are the labels'.

A Gaussian filter over all pairs of the images that are shown takes both apart, see
`filterfreq.frequencies.gaussian_filter` (Xu, Zhang, Luo, Xiao, Ma, 2019, arXiv 1901.06523, section 3.3 and Figure 3).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from filterfreq.evaluation.answers import predict_answers
from filterfreq.evaluation.image_vectors import image_vectors, vector_unit
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.frequencies.gaussian_filter import low_pass

Rows = list[dict[str, Any]]

_ROWS = 2048  # images whose filtered values are computed at once
_PARTS = ("low", "high")


def run(job: SuiteJob) -> Rows:
    """Return the rows of one model, of each split that the settings ask for."""
    return run_snapshots([job], job.progress)[0]


def run_snapshots(jobs: Sequence[SuiteJob], progress: Progress) -> list[Rows]:
    """Return the rows of each of several models of one run, for which distances between images are computed once."""
    first, rows = jobs[0], [[] for _ in jobs]
    output, deltas = first.settings.get("output", "probability"), first.settings["deltas"]
    for split in first.settings.get("split", ["train"]):
        images = first.images_of(split)
        answers = [predict_answers(job.classifier, images, output, first.batch_size, first.device) for job in jobs]
        labels = np.eye(answers[0].shape[1])[first.labels_of(split)]
        unit = vector_unit(first.record["run"]["dataset"], images.shape[1])
        errors = filtered_errors(
            image_vectors(images), labels, answers, deltas, unit, first.device, progress, f"{split} images"
        )
        for own, of_model in zip(rows, errors, strict=True):
            for delta, of_delta in zip(deltas, of_model, strict=True):
                for part, error in zip(_PARTS, of_delta, strict=True):
                    parameter = format_parameter(split=split, output=output, delta=f"{delta:.6g}")
                    own.append(quantity(f"{part}_frequency_error", parameter, error, len(images)))
    return rows


def filtered_errors(
    points: np.ndarray,
    labels: np.ndarray,
    answers: Sequence[np.ndarray],
    deltas: Sequence[float],
    unit: float,
    device: torch.device | str,
    progress: Progress,
    name: str,
) -> np.ndarray:
    """Return how far the filtered answers of models are from the filtered labels, relative to these.

    Both errors are Frobenius norms over all points and outputs, `|h_low - y_low| / |y_low|` and the same of the high
    parts; NaN where the labels have no such part.

    Args:
        points: n x d.
        labels: one-hot, float64, n x K.
        answers: of each model, n x K.
        deltas: of the filter, see `low_pass`.
        unit: that of distances between points, see `low_pass`.
        device: where to compute.
        progress: keeps the sums of each chunk of points.
        name: what the points are, for that.

    Returns:
        Models x deltas x 2, the low and the high part.
    """
    shown = torch.from_numpy(points).to(device)
    values = torch.from_numpy(np.stack([labels, *answers], axis=1).astype(np.float64)).to(device)
    count, functions, classes = values.shape

    def sum_squares(rows: slice) -> np.ndarray:
        """Sums over the outputs of some points: of the labels' squares, then of each model's distances to them."""
        low = low_pass(shown, values.flatten(1), rows, deltas, unit).unflatten(2, (functions, classes))
        parts = torch.stack([low, values[rows] - low])
        parts[:, :, :, 1:] -= parts[:, :, :, :1]
        return parts.square().sum(dim=(2, 4)).cpu().numpy().ravel()

    total = np.zeros(len(_PARTS) * len(deltas) * functions)
    for start in range(0, count, _ROWS):
        rows = slice(start, start + _ROWS)
        total += progress.numbers(f"{name} from {start}", lambda rows=rows: sum_squares(rows))
    sums = total.reshape(len(_PARTS), len(deltas), functions)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.sqrt(sums[:, :, 1:] / sums[:, :, :1])
    errors[~np.isfinite(errors)] = np.nan
    return errors.transpose(2, 1, 0)
