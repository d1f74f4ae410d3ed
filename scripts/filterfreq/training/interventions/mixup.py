"""Mixup: training on mixtures of two images and of their labels."""

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from filterfreq.training.intervention import Intervention


def intervention(alpha: float) -> Intervention:
    """Return the intervention that mixes images with weights from Beta(alpha, alpha)."""

    def mix(images: Tensor, labels: Tensor, num_classes: int, seed: int) -> tuple[Tensor, Tensor]:
        return mixup(images, labels, num_classes, alpha, np.random.default_rng(seed))

    return Intervention(stream="mixup", mixes_neighbours=True, mix=mix)


def mixup(
    images: Tensor, labels: Tensor, num_classes: int, alpha: float, generator: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Mix every image of a batch with another one, and their labels in the same proportion.

    Zhang, Cisse, Dauphin, Lopez-Paz, mixup: Beyond Empirical Risk Minimization, ICLR 2018: m x + (1 - m) x' with
    m ~ Beta(alpha, alpha), one draw for the batch as in their code. The partner is the image before it in the batch, a
    random one wherever batches are shuffled.

    Args:
        images: float, N x C x H x W.
        labels: int64, N.
        num_classes: K.
        alpha: above 0; the smaller, the closer a mixture is to one of its two images.
        generator: where m is drawn from.

    Returns:
        The mixed images, and their targets: float32, N x K, every row a distribution over the classes.
    """
    weight = generator.beta(alpha, alpha)
    targets = F.one_hot(labels, num_classes).float()
    images, targets = (weight * one + (1 - weight) * one.roll(1, 0) for one in (images, targets))
    return images, targets
