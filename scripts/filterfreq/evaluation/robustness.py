"""Robust accuracy under FGSM and PGD, made on the model itself or on another one."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.prediction import batches, inference, predict
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.results import format_parameter, fraction
from filterfreq.training.attack_names import attack_name
from filterfreq.training.attacks import attack_images, check_attack
from filterfreq.training.epsilon import parse_epsilon


def accuracies_under_attacks(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    attacks: Sequence[Mapping[str, Any]],
    batch_size: int,
    device: torch.device | str,
    seed: int,
    progress: Progress | None = None,
    source: nn.Module | None = None,
    source_name: str | None = None,
) -> list[dict[str, Any]]:
    """Measure the accuracy under attacks.

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
        source: the classifier that the adversarial examples are made on; the model itself by default.
        source_name: how the results name it.

    Returns:
        One row per attack and epsilon; PGD is named with its steps, as in `pgd-10`, and an attack that does not start
        where its kind usually does with that too (see `filterfreq.training.attack_names`).

    Raises:
        InputError: an unknown attack or norm, PGD without steps, or an epsilon that is no number from 0 up.
    """
    for attack in attacks:
        check_attack(attack)
    radii = [(attack, epsilon, parse_epsilon(epsilon)) for attack in attacks for epsilon in attack["epsilons"]]
    correct = predict(model, images, batch_size, device) == labels
    named = {} if source_name is None else {"source": source_name}
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
        attack: one of `accuracies_under_attacks`'s attacks.
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

    def attack_batch(batch: slice) -> np.ndarray:
        flags = correct[batch].copy()
        if flags.any():
            state = np.random.SeedSequence((seed, batch.start)).generate_state(1)
            generator = torch.Generator().manual_seed(int(state[0]))
            clean, truth = to_images(images[batch], device), torch.from_numpy(np.array(labels[batch])).to(device)
            chosen = torch.from_numpy(correct[batch]).to(device)
            adversarial = attack_images(attack, source, clean, truth, epsilon, generator, chosen)
            with torch.no_grad():
                flags[flags] = (model(adversarial).argmax(dim=1) == truth[chosen]).cpu().numpy()
        return flags

    robust = np.zeros(len(labels), dtype=bool)
    with inference(model, device), inference(source, device):
        for batch in batches(len(labels), batch_size, model, source):
            flags = progress.flags(f"{name} {epsilon} {batch.start}", partial(attack_batch, batch))
            robust[batch] = flags
    return robust
