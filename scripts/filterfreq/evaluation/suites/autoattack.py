"""The suite `autoattack`: accuracy under AutoAttack or some of its attacks, as the package pyautoattack runs it.

Croce and Hein, Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks,
ICML 2020. The package reports what it does, attack by attack, to the logger `auto-attack` at level DEBUG, and warns
there of results that may not be trusted.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pyautoattack
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.accuracy import evaluate_before
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import batches, inference
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.results import format_parameter, fraction
from filterfreq.runtime.errors import InputError
from filterfreq.training.attack_names import AUTOATTACKS, attack_name, fewest_classes
from filterfreq.training.epsilon import parse_epsilon

_NORMS = {"linf": "Linf", "l2": "L2"}


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model, those of the same images before the attacks first; each entry has its own."""
    images, labels = job.dataset.images("test"), job.dataset.labels("test")
    rows = []
    for count in sorted({min(entry.get("images", len(labels)), len(labels)) for entry in job.settings}):
        rows += evaluate_before(job.classifier, images[:count], labels[:count], job.batch_size, job.device)
    for entry in job.settings:
        count = entry.get("images")
        rows += evaluate_autoattack(
            job.classifier,
            images[:count],
            labels[:count],
            entry["norm"],
            entry["epsilons"],
            job.batch_size,
            job.device,
            seed=job.record["run"]["seed"],
            attacks=entry.get("attacks"),
            progress=job.progress,
        )
    return rows


def evaluate_autoattack(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    norm: str,
    epsilons: Sequence[str | float],
    batch_size: int,
    device: torch.device | str,
    seed: int,
    attacks: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Measure the accuracy under AutoAttack, see `withstands`.

    Args:
        model: a classifier with as many classes as `fewest_classes` says, or more.
        images: uint8, N x H x W x C.
        labels: int64, N.
        norm: "linf" or "l2".
        epsilons: radii of the ball, "2/255" or "0.5", in units of [0, 1], more than 0.
        batch_size: images at a time; the random draws depend on it.
        device: where to compute.
        seed: of the random draws.
        attacks: a subset of `AUTOATTACKS`, run in this order with the settings that the standard version has; by
            default the standard version.
        progress: where to keep what is done; by default it is lost with the process.

    Returns:
        One row per epsilon; the attack is named `autoattack`, or by the subset, as in `apgd-ce+square`.

    Raises:
        InputError: an unknown norm or attack, an epsilon that is no number above 0, or too few classes.
    """
    if norm not in _NORMS:
        raise InputError(f"unknown norm {norm!r} of AutoAttack: choose one of {', '.join(_NORMS)}")
    unknown = [attack for attack in attacks or () if attack not in AUTOATTACKS]
    if unknown:
        raise InputError(f"unknown attack {unknown[0]!r} of AutoAttack: choose from {', '.join(AUTOATTACKS)}")
    radii = [parse_epsilon(epsilon) for epsilon in epsilons]
    if 0 in radii:
        raise InputError("epsilon 0 leaves AutoAttack nothing to do: leave it out, it is the clean accuracy")
    name = attack_name({"attacks": attacks})
    robust = withstands(model, images, labels, norm, radii, batch_size, device, seed, attacks, progress)
    return [
        fraction("accuracy", format_parameter(attack=name, norm=norm, epsilon=epsilon), flags.sum(), len(labels))
        for epsilon, flags in zip(epsilons, robust, strict=True)
    ]


def withstands(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    norm: str,
    epsilons: Sequence[float],
    batch_size: int,
    device: torch.device | str,
    seed: int,
    attacks: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Return which images stay classified correctly at each epsilon.

    Each attack of the ensemble sees the images that withstood the ones before it. Each epsilon is measured on its own,
    as if it were the only one: what is drawn for an image depends on which others are attacked beside it, so that a
    result would otherwise depend, by chance, on which smaller epsilons there are. So an image may withstand an epsilon
    and not a smaller one, where a random search fails. The package is called batch by batch: the result is its own for
    that batch, image for image, and no more than a batch is held in memory or lost with the process.

    Args:
        model: a classifier with as many classes as `fewest_classes` says, or more.
        images: uint8, N x H x W x C.
        labels: int64, N.
        norm: "linf" or "l2".
        epsilons: radii of the ball in units of [0, 1], more than 0.
        batch_size: images at a time; the random draws depend on it.
        device: where to compute.
        seed: of the random draws.
        attacks: as in `evaluate_autoattack`.
        progress: likewise.

    Returns:
        bool, one row per epsilon, one column per image.
    """
    progress = progress or Progress()
    name = "+".join(attacks or ("autoattack",))
    robust = np.zeros((len(epsilons), len(labels)), dtype=bool)
    with inference(model, device):
        classes = _number_of_classes(model, to_images(images[:1], device), fewest_classes(attacks))

        def attack(epsilon: float, batch: slice) -> np.ndarray:
            adversary = pyautoattack.AutoAttack(model, norm=_NORMS[norm], eps=epsilon, seed=seed, device=device)
            # Its own version for subsets would restart the attacks five times, where the standard one does not.
            adversary.attacks_to_run = list(attacks or adversary.attacks_to_run)
            # Fewer classes than the ten of its default have fewer targets.
            adversary.apgd_targeted.n_target_classes = adversary.fab.n_target_classes = min(9, classes - 1)
            return _run(adversary, images[batch], labels[batch], batch_size)

        for flags, epsilon in zip(robust, epsilons, strict=True):
            for batch in batches(len(labels), batch_size, model):
                key = f"{name} {norm} {epsilon} {batch.start}"
                flags[batch] = progress.flags(key, partial(attack, epsilon, batch))
    return robust


def _run(adversary: pyautoattack.AutoAttack, images: np.ndarray, labels: np.ndarray, batch_size: int) -> np.ndarray:
    """Return which images stay classified correctly: bool, N."""
    # The package reshapes images and their gradients as views, which only the default memory format allows.
    clean, truth = to_images(images, "cpu").contiguous(), torch.from_numpy(np.array(labels))
    # It seeds torch's global generators.
    gpus = [adversary.device] if torch.device(adversary.device).type == "cuda" else []
    with torch.random.fork_rng(gpus):
        _, predictions = adversary.run_standard_evaluation(clean, truth, batch_size=batch_size)
    return (predictions == truth).numpy()


def _number_of_classes(model: nn.Module, images: torch.Tensor, fewest: int) -> int:
    with torch.no_grad():
        classes = model(images).shape[1]
    if classes < fewest:
        raise InputError(
            f"AutoAttack needs at least {fewest} classes for these attacks, but the model has {classes}: write "
            "attacks: [apgd-ce, square], or one of them, in its entry"
        )
    return classes
