"""Attacks that look for the nearest wrong answer, whatever its distance: those of the package foolbox.

A search has no budget: what it finds counts at an epsilon only if it lies in that ball.
"""

from collections.abc import Mapping
from typing import Any

import foolbox
import torch
from torch import nn

MINIMAL_ATTACKS = ("deepfool", "carlini_wagner")


def nearest_wrong_answers(
    attack: str, settings: Mapping[str, Any], model: nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Return images that a model gets wrong, near to those that are given; the image itself where none was found.

    Args:
        attack: "deepfool" (Moosavi-Dezfooli, Fawzi, Frossard, CVPR 2016, towards the 10 likeliest classes, overshoot
            0.02) or "carlini_wagner" (Carlini, Wagner, IEEE S&P 2017, in l2, confidence 0), both in the norm l2.
        settings: of both `steps`, at most; of the second also `searches`, of its constant.
        model: a classifier, float images in [0, 1] to logits of at least 2 classes.
        images: float, N x C x H x W, in [0, 1].
        labels: int64, N.

    Returns:
        Like `images`, detached. What is found for one depends a little on the others: both stop when all are done.
    """
    search = {
        "deepfool": lambda: foolbox.attacks.L2DeepFoolAttack(steps=settings["steps"]),
        "carlini_wagner": lambda: foolbox.attacks.L2CarliniWagnerAttack(
            binary_search_steps=settings["searches"], steps=settings["steps"]
        ),
    }[attack]()
    shown = foolbox.PyTorchModel(model, bounds=(0, 1), device=images.device)
    _, found, is_wrong = search(shown, images, labels, epsilons=None)
    return torch.where(is_wrong[:, None, None, None], found, images).detach()


def keep_within(points: torch.Tensor, images: torch.Tensor, norm: str, epsilon: float) -> torch.Tensor:
    """Return the points that lie in a ball round their images, and the image where one does not.

    Args:
        points: float, N x C x H x W.
        images: such images, the centres.
        norm: "linf" or "l2".
        epsilon: radius of the ball, in units of [0, 1].
    """
    changes = (points - images).flatten(1)
    distances = changes.abs().amax(dim=1) if norm == "linf" else changes.norm(dim=1)
    # The images are whole multiples of 1/255 in float32, so that a bound may be missed by a rounding.
    return torch.where((distances <= epsilon * (1 + 1e-6))[:, None, None, None], points, images)
