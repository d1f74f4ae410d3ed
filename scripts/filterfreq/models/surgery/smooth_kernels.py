"""Kernels whose weights are smoothed with their neighbours, of Wang, Wu, Huang and Xing (CVPR 2020)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from filterfreq.models.classifier import Classifier
from filterfreq.models.surgery.kernels import change_kernels


def smooth_kernels(classifier: Classifier, rho: float, layers: str = "first") -> Classifier:
    """Add to each weight of a trained model's kernels a multiple of its neighbours, without training it again.

    Wang, Wu, Huang, Xing, High Frequency Component Helps Explain the Generalization of Convolutional Neural Networks,
    CVPR 2020: in each plane of a kernel `W[i, j] + rho * (the sum of the eight weights round it)`; a neighbour beyond
    the edge has the weight of the edge. This is what scipy's `convolve2d` with boundary "symm" computes, as in the
    released code, from the 3 x 3 mask of rho with 1 in its middle. Nothing is rescaled: constant planes grow by
    1 + 8 rho. Biases stay, and so do kernels of 1 x 1, whose weights have no neighbours.

    Args:
        classifier: see `filterfreq.models.surgery.kernels.change_kernels`.
        rho: at least 0, where nothing changes; 1 in the paper.
        layers: "first", as in the paper, or "all", see there.

    Returns:
        The classifier.

    Raises:
        InputError: see there.
    """
    mask = torch.full((1, 1, 3, 3), float(rho), dtype=torch.float64)
    mask[0, 0, 1, 1] = 1

    def smooth(weight: Tensor) -> Tensor:
        padded = F.pad(weight.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="replicate")
        return F.conv2d(padded, mask).view_as(weight)

    return change_kernels(classifier, layers, smooth, "smooth_kernels", "neighbouring weights")
