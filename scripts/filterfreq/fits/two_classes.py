"""Two classes of an image data set as a function to learn: the images as vectors, and a number for each class."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from filterfreq.data.arrays import PreparedDataset
from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.fits.job import FitJob
from filterfreq.fits.networks import build_network
from filterfreq.fits.training import train_full_batch
from filterfreq.fits.two_class_checks import check_classes
from filterfreq.runtime.errors import InputError


def two_classes(dataset: PreparedDataset, settings: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the training images of two classes, in the order of the data set.

    Args:
        dataset: what they are of.
        settings: `classes`, the names of both; `images`, the first so many of both together, all where it is missing;
            and `convention`.

    Returns:
        The pixels in [0, 1], float64, N x D, where three equal channels are taken once; and N targets, float64, 0 of
        the first class and 1 of the second (convention "paper"), or -1 and 1 ("notebook").

    Raises:
        InputError: it lacks a class or so many images.
    """
    check_classes(settings["classes"], dataset.name, dataset.classes)
    first, second = (dataset.classes.index(name) for name in settings["classes"])
    labels = dataset.labels("train")
    chosen = np.flatnonzero((labels == first) | (labels == second))
    count = settings.get("images", len(chosen))
    if count > len(chosen):
        raise InputError(f"images: {dataset.name} has {len(chosen)} of both classes and not {count}: lower it")
    chosen = chosen[:count]
    images = np.asarray(dataset.images("train")[chosen])
    if (images == images[..., :1]).all():
        images = images[..., :1]
    lowest = -1.0 if settings["convention"] == "notebook" else 0.0
    return images.reshape(len(images), -1) / 255, np.where(labels[chosen] == second, 1.0, lowest)


def train_on_noisy_labels(
    job: FitJob,
    points: np.ndarray,
    noisy: np.ndarray,
    held_out: np.ndarray,
    pure: np.ndarray,
    measure_outputs: Callable[[int, np.ndarray], list[dict[str, Any]]] = lambda iteration, outputs: [],
) -> list[dict[str, Any]]:
    """Train a network by Adam and the mean squared error on noisy targets, and measure it on pure ones too.

    Args:
        job: its settings say `learning_rate`, `iterations` and `record_every`; its seed gives the initial parameters.
        points: what is trained on, N x D.
        noisy: the N targets of the training.
        held_out: points that the validation loss is of, M x D; may be `points`.
        pure: their M targets, without noise.
        measure_outputs: gets the number of iterations done, 0 before the first one, and the N outputs on `points`,
            float64; returns further rows.

    Returns:
        What it returns, and the mean squared errors `train_loss` and `validation_loss`, before the first iteration and
        after every `record_every` of them.

    Raises:
        InputError, StoppedError: see `train_full_batch`.
    """
    inputs, targets, others, wanted = (
        torch.tensor(values, dtype=torch.float32, device=job.device) for values in (points, noisy, held_out, pure)
    )
    network = build_network(job.spec["network"], inputs.shape[1], 1, job.seed).to(job.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=job.settings["learning_rate"])

    def loss() -> torch.Tensor:
        return F.mse_loss(network(inputs).squeeze(1), targets)

    def measure(iteration: int) -> list[dict[str, Any]]:
        outputs = network(inputs).squeeze(1)
        on_others = outputs if held_out is points else network(others).squeeze(1)
        losses = {"train_loss": (outputs, targets), "validation_loss": (on_others, wanted)}
        rows = [
            quantity(name, format_parameter(iteration=iteration), float(F.mse_loss(*pair)), len(pair[0]))
            for name, pair in losses.items()
        ]
        return rows + measure_outputs(iteration, outputs.double().cpu().numpy())

    with torch.no_grad():
        untrained = measure(0)
    return untrained + train_full_batch(network, optimizer, loss, measure, job)
