"""A few images before and after an attack, for display."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.prediction import inference
from filterfreq.models.stochastic import seed_batch
from filterfreq.training.attacks import attack_images
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


def perturb(
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
        InputError: an unknown attack or norm, PGD without steps, or an epsilon that is no number from 0 up.
    """
    radius = parse_epsilon(epsilon)
    generator = torch.Generator().manual_seed(seed)
    with inference(model, device):
        seed_batch(model, 0)
        clean, truth = to_images(images, device), torch.from_numpy(np.asarray(labels)).to(device)
        adversarial = attack_images(attack, model, clean, truth, radius, generator)
        return Perturbations(
            clean=_display_images(clean),
            adversarial=_display_images(adversarial),
            clean_predictions=_predict_classes(model, clean).cpu().numpy(),
            adversarial_predictions=_predict_classes(model, adversarial).cpu().numpy(),
        )


def _predict_classes(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(images).argmax(dim=1)


def _display_images(images: torch.Tensor) -> np.ndarray:
    return images.permute(0, 2, 3, 1).cpu().numpy()
