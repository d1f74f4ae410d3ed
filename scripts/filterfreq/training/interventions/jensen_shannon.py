"""The consistency loss of AugMix, over an image and two forms of it."""

import math

import torch.nn.functional as F
from torch import Tensor

from filterfreq.training.intervention import Intervention


def intervention(weight: float) -> Intervention:
    """Return the intervention that adds so many times the divergence of what is said of three forms of each image.

    As in AugMix: the image as it is and two forms that the augmentation policy draws.
    """
    return Intervention(views=3, added_loss=lambda logits, targets: weight * jensen_shannon(logits))


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
