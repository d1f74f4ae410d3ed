"""What training minimises beside the penalty: soft targets of mixup, and the consistency of AugMix."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


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


def jensen_shannon(logits: Tensor) -> Tensor:
    """Return the Jensen-Shannon divergence of what a network says of several views of the same images.

    Hendrycks et al., AugMix, ICLR 2020, equation 1: the mean over views of KL(p_view || mean of p), with natural
    logarithms and the mean over images; from 0, where all views are given the same distribution, to log V.

    Args:
        logits: float, V x N x K: views, images, classes.

    Returns:
        A scalar.
    """
    views = F.log_softmax(logits, dim=2)
    mean = views.logsumexp(dim=0) - math.log(len(views))
    return (views.exp() * (views - mean)).sum(dim=2).mean()


def count_correct(logits: Tensor, targets: Tensor) -> Tensor:
    """Return how many predictions are right, a scalar; of a soft target, the probability that it gives the prediction.

    Args:
        logits: float, N x K.
        targets: int64, N, or float, N x K, as `mixup` makes them.
    """
    predicted = logits.detach().argmax(1)
    if targets.dim() == 1:
        return (predicted == targets).sum()
    return torch.gather(targets, 1, predicted[:, None]).sum()
