"""Classifiers that draw anew at every call, and how their answers are judged.

What such a classifier promises is in `filterfreq.models.stochastic`. Its prediction is that of the mean log-probability
over several draws. Judging an attack by the one draw that the attack itself saw inflates its success, so it is judged
after it has ended, over fresh draws.
"""

import zlib

import numpy as np
import torch
from torch import nn


def is_stochastic(model: nn.Module) -> bool:
    """Whether a classifier draws anew at every call."""
    return getattr(model, "is_stochastic", False)


def derive_seed(seed: int, first_image: int, name: str) -> int:
    """Return a seed of its own for what is drawn under a name for the batch that begins with an image."""
    sequence = np.random.SeedSequence((seed, first_image, zlib.crc32(name.encode())))
    return int(sequence.generate_state(1)[0])


def seed_draws(model: nn.Module, seed: int, first_image: int = 0) -> None:
    """Seed the draws of a classifier that has any.

    Args:
        model: a classifier.
        seed: of all draws.
        first_image: the number of the image in the first row.
    """
    if is_stochastic(model):
        model.seed_draws(seed, first_image)


def mean_log_probabilities(model: nn.Module, images: torch.Tensor, draws: int) -> torch.Tensor:
    """Return the mean over draws of the log-probabilities; of a classifier without draws those of one call.

    Args:
        model: a classifier, float images N x C x H x W in [0, 1] to logits.
        images: such images.
        draws: at least 1.

    Returns:
        float, N x classes.
    """
    count = draws if is_stochastic(model) else 1
    total = model(images).log_softmax(dim=1)
    for _ in range(count - 1):
        total = total + model(images).log_softmax(dim=1)
    return total / count


def classify_over_draws(
    model: nn.Module, images: torch.Tensor, labels: torch.Tensor, draws: int, seed: int, first_image: int
) -> np.ndarray:
    """Return which images a classifier gets right, by the mean log-probability over fresh draws.

    Args:
        model: a classifier.
        images: float, N x C x H x W, in [0, 1].
        labels: int64, N.
        draws: as in `mean_log_probabilities`.
        seed: of these draws, not that of an attack.
        first_image: see `seed_draws`.

    Returns:
        bool, N.
    """
    seed_draws(model, seed, first_image)
    with torch.no_grad():
        return (mean_log_probabilities(model, images, draws).argmax(dim=1) == labels).cpu().numpy()
