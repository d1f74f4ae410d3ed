"""The suite `regions`: how many hyperplanes of ReLU units lie between images and their adversarial examples.

Lin, K. A., Jiang, Bandlimiting Neural Networks Against Adversarial Attacks, 2019, arXiv 1905.12797, Figure 1: a network
of ReLU is affine on a huge number of regions, and a short way crosses many of them.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.directions import uniform_directions
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import batches, inference
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.regions_settings import regions_attack
from filterfreq.evaluation.relu_units import crossed_units
from filterfreq.evaluation.results import format_parameter, fraction, quantity
from filterfreq.models.classifier import Classifier
from filterfreq.training.attack_names import attack_name
from filterfreq.training.attacks import attack_images
from filterfreq.training.epsilon import parse_epsilon

_PATHS = ("attack", "random")


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model."""
    shown = job.classifier, job.images, job.labels, job.batch_size, job.device
    return evaluate_regions(*shown, job.settings, job.progress)


def evaluate_regions(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    device: torch.device | str,
    settings: Mapping[str, Any],
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Count the ReLU units whose sign changes on the straight way from each image to another point.

    One way leads to an adversarial example of PGD, which starts at the image and follows gradients of the model's own
    answers. The other has the same L2 length and a random direction; it is not clipped to [0, 1]. All images count, be
    they right or wrong before or after. The units are those of the network: an average over points round the image is
    attacked through all of them, and its network is shown the two ends alone.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        labels: int64, N.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute.
        settings: `norm`, "linf" or "l2", `epsilon`, the radius of the ball in units of [0, 1], and perhaps `steps`, as
            the schema of the suite describes them.
        progress: keeps each batch's sums.

    Returns:
        `relu_units`, how many units an image has, and `norm_of_change`, the mean L2 length of the ways. For both ways
        `crossed_units`, the mean over images of the share of units that changes its sign, and `error`, the share of
        images that are wrong at the end, of a model that draws in one call of its own.

    Raises:
        InputError: an unknown norm, no steps, an epsilon that is no number from 0 up, or a model without ReLU.
    """
    attack, radius = regions_attack(settings), parse_epsilon(settings["epsilon"])
    progress = progress or Progress()
    # An averaged classifier's own forward shows the network many points of each image.
    network = partial(Classifier.forward, model) if isinstance(model, Classifier) else model
    # The number of units, the length of the ways, and units crossed and wrong answers of each way.
    sums = np.zeros(2 + 2 * len(_PATHS))
    with inference(model, device):
        for batch in batches(len(labels), batch_size, model):

            def measure(batch: slice = batch) -> np.ndarray:
                clean, truth = to_images(images[batch], device), torch.from_numpy(np.array(labels[batch])).to(device)
                adversarial = attack_images(attack, model, clean, truth, radius)
                lengths = torch.linalg.vector_norm(adversarial - clean, dim=(1, 2, 3))
                direction = uniform_directions(range(batch.start, batch.stop), clean.shape[1:], "regions").to(clean)
                ends = [adversarial, clean + lengths[:, None, None, None] * direction]
                crossed, units = crossed_units(network, clean, ends)
                with torch.no_grad():
                    wrong = [int((model(end).argmax(dim=1) != truth).sum()) for end in ends]
                of_all = [units * len(truth), float(lengths.double().sum())]
                return np.array([*of_all, *crossed.sum(dim=1).tolist(), *wrong], dtype=np.float64)

            sums += progress.numbers(f"from {batch.start}", measure)
    units, length, count = sums[0], sums[1] / len(labels), len(labels)
    where = {"attack": attack_name(attack), "norm": attack["norm"], "epsilon": settings["epsilon"]}
    rows = [
        quantity("relu_units", format_parameter(split="test"), units / count, count),
        quantity("norm_of_change", format_parameter(**where), length, count),
    ]
    for path, crossed, wrong in zip(_PATHS, sums[2:4], sums[4:], strict=True):
        parameter = format_parameter(path=path, **where)
        rows.append(quantity("crossed_units", parameter, crossed / units, count))
        rows.append(fraction("error", parameter, round(wrong), count))
    return rows
