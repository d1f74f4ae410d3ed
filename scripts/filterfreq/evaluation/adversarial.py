"""Robust accuracy under FGSM and PGD, made on the model itself or on another one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.accuracy import inference, predict
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.results import format_parameter, fraction
from filterfreq.training.attack_names import attack_name
from filterfreq.training.attacks import attack_images, check_attack
from filterfreq.training.epsilon import parse_epsilon


@dataclass(frozen=True)
class Perturbations:
    """Images before and after an attack, for display.

    Attributes:
        clean: float32, N x H x W x C, in [0, 1].
        adversarial: the same after the attack.
        clean_predictions: int64, N: the predicted classes before the attack.
        adversarial_predictions: int64, N: and after it.
    """

    clean: np.ndarray
    adversarial: np.ndarray
    clean_predictions: np.ndarray
    adversarial_predictions: np.ndarray


def evaluate_adversarial(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    attacks: Sequence[Mapping[str, Any]],
    batch_size: int,
    device: torch.device | str,
    seed: int,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Measure the accuracy under attacks, the suite `adversarial`.

    Each attack and epsilon is measured on its own, see `withstands`: a stronger attack of the same kind may well spare
    an image that a weaker one has broken, and that is worth seeing.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        labels: int64, N.
        attacks: mappings as `filterfreq.training.attacks.attack_images` reads them, each with `epsilons`, a list of
            numbers written as "2/255" or "0.5", in units of [0, 1].
        batch_size: images at a time; the random starts depend on it, and so on how many images the last batch has.
            Nothing else does, and they depend neither on the other attacks nor on the other epsilons.
        device: where to compute.
        seed: of the random starts; each pair of attack and epsilon starts from it anew.
        progress: where to keep what is done; by default it is lost with the process.

    Returns:
        One row per attack and epsilon; PGD is named with its steps, as in `pgd-10`, and an attack that does not start
        where its kind usually does with that too (see `filterfreq.training.attack_names`).

    Raises:
        InputError: an unknown attack or norm, PGD without steps, or an epsilon that is no number from 0 up.
    """
    return _accuracies(model, model, images, labels, attacks, batch_size, device, seed, progress, {})


def evaluate_transfer(
    model: nn.Module,
    source: nn.Module,
    source_name: str,
    images: np.ndarray,
    labels: np.ndarray,
    attacks: Sequence[Mapping[str, Any]],
    batch_size: int,
    device: torch.device | str,
    seed: int,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Measure the accuracy on adversarial examples that were made on another model, the suite `transfer`.

    A model that withstands attacks made on itself and not those made on another one has gradients that mislead
    (Athalye, Carlini, Wagner, Obfuscated Gradients Give a False Sense of Security, ICML 2018). Images that the source
    gets wrong as they are get attacked too. As in `evaluate_adversarial`, an image counts as robust only if the model
    is right both before and after. With the model itself as the source the result is that of `evaluate_adversarial`.

    Args:
        model: a classifier.
        source: the classifier whose gradients the attacks follow.
        source_name: how the results name it.
        images: uint8, N x H x W x C.
        labels: int64, N.
        attacks: see `evaluate_adversarial`.
        batch_size: see `evaluate_adversarial`.
        device: where to compute.
        seed: see `evaluate_adversarial`.
        progress: likewise.

    Returns:
        One row per attack and epsilon.

    Raises:
        InputError: see `evaluate_adversarial`.
    """
    named = {"source": source_name}
    return _accuracies(model, source, images, labels, attacks, batch_size, device, seed, progress, named)


def _accuracies(
    model: nn.Module,
    source: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    attacks: Sequence[Mapping[str, Any]],
    batch_size: int,
    device: torch.device | str,
    seed: int,
    progress: Progress | None,
    named: Mapping[str, str],
) -> list[dict[str, Any]]:
    for attack in attacks:
        check_attack(attack)
    radii = [(attack, epsilon, parse_epsilon(epsilon)) for attack in attacks for epsilon in attack["epsilons"]]
    correct = predict(model, images, batch_size, device) == labels
    rows = []
    for attack, epsilon, radius in radii:
        robust = withstands(model, images, labels, correct, attack, radius, batch_size, device, seed, source, progress)
        parameter = format_parameter(attack=attack_name(attack), norm=attack["norm"], epsilon=epsilon, **named)
        rows.append(fraction("accuracy", parameter, robust.sum(), len(labels)))
    return rows


def withstands(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    correct: np.ndarray,
    attack: Mapping[str, Any],
    epsilon: float,
    batch_size: int,
    device: torch.device | str,
    seed: int,
    source: nn.Module | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Return which images are classified correctly both as they are and after an attack.

    Only images that are correct as they are get attacked. The result is that of attacking all of them.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        labels: int64, N.
        correct: bool, N: which images are classified correctly as they are.
        attack: one of `evaluate_adversarial`'s attacks.
        epsilon: radius of the ball, in units of [0, 1].
        batch_size: images at a time; the random starts depend on it.
        device: where to compute.
        seed: of the random starts.
        source: the classifier that the adversarial examples are made on; the model itself by default.
        progress: where to keep what is done; by default it is lost with the process.

    Returns:
        bool, N.
    """
    source = model if source is None else source
    progress = progress or Progress()
    name = f"{attack_name(attack)} {attack['norm']}"

    def attacked(start: int) -> np.ndarray:
        batch = slice(start, start + batch_size)
        flags = correct[batch].copy()
        if flags.any():
            generator = torch.Generator().manual_seed(int(np.random.SeedSequence((seed, start)).generate_state(1)[0]))
            clean, truth = to_images(images[batch], device), torch.from_numpy(np.array(labels[batch])).to(device)
            chosen = torch.from_numpy(correct[batch]).to(device)
            adversarial = attack_images(attack, source, clean, truth, epsilon, generator, chosen)
            flags[flags] = (_classes(model, adversarial) == truth[chosen]).cpu().numpy()
        return flags

    robust = np.zeros(len(labels), dtype=bool)
    with inference(model, device), inference(source, device):
        for start in range(0, len(labels), batch_size):
            flags = progress.flags(f"{name} {epsilon} {start}", partial(attacked, start))
            robust[start : start + batch_size] = flags
    return robust


def perturbations(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    attack: Mapping[str, Any],
    epsilon: str | float,
    device: torch.device | str,
    seed: int,
) -> Perturbations:
    """Attack a few images, also those that are misclassified as they are, and keep the adversarial examples.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C: one batch.
        labels: int64, N.
        attack: a mapping as `filterfreq.training.attacks.attack_images` reads it.
        epsilon: radius of the ball, "2/255" or "0.5", in units of [0, 1].
        device: where to compute.
        seed: of the random start.

    Returns:
        Images and predictions before and after the attack.

    Raises:
        InputError: see `evaluate_adversarial`.
    """
    radius = parse_epsilon(epsilon)
    generator = torch.Generator().manual_seed(seed)
    with inference(model, device):
        clean, truth = to_images(images, device), torch.from_numpy(np.asarray(labels)).to(device)
        adversarial = attack_images(attack, model, clean, truth, radius, generator)
        return Perturbations(
            clean=_for_display(clean),
            adversarial=_for_display(adversarial),
            clean_predictions=_classes(model, clean).cpu().numpy(),
            adversarial_predictions=_classes(model, adversarial).cpu().numpy(),
        )


def _classes(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(images).argmax(dim=1)


def _for_display(images: torch.Tensor) -> np.ndarray:
    return images.permute(0, 2, 3, 1).cpu().numpy()
