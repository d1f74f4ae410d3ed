"""Kernels without their high frequencies, beside the smoothed kernels of Wang, Wu, Huang and Xing (CVPR 2020)."""

import torch
from torch import Tensor, nn

from filterfreq.frequencies.dct import dct_matrix
from filterfreq.models.classifier import Classifier
from filterfreq.runtime.errors import InputError


@torch.no_grad()
def low_pass_kernels(classifier: Classifier, below: int, layers: str) -> Classifier:
    """Keep the low frequencies of a trained model's kernels, without training it again.

    Every plane W of a kernel, n x n' values between one input and one output channel, becomes `P W P'`. Here `P = D^T
    M D` with the orthonormal DCT-II matrix D (`filterfreq.frequencies.dct.dct_matrix`) and the diagonal matrix M that
    has 1 at the frequencies k < below: of the plane's DCT coefficients (k, l), those with max(k, l) < below remain. The
    paper smooths with the eight neighbours instead; this is the same idea with a sharp limit.

    With `below: 1` the plane's mean remains. Where `below` is not less than the kernel's side the plane stays as it
    is, to rounding; so do kernels of 1 x 1, which have no other frequency than 0. Biases stay.

    Args:
        classifier: on the CPU, its DCT layers composed; it is changed in place.
        below: the first frequency that is left out, at least 1.
        layers: "first", the first convolution in the order of the modules; or "all" convolutions.

    Returns:
        The classifier.

    Raises:
        InputError: there is no convolution among these layers with a side above 1, so that nothing can be left out.
    """
    convolutions = [module for module in classifier.modules() if isinstance(module, nn.Conv2d)]
    if layers == "first":
        convolutions = convolutions[:1]
    if not any(max(convolution.kernel_size) > 1 for convolution in convolutions):
        which = "the model's first convolution" if layers == "first" else "any convolution of the model"
        raise InputError(
            f"low_pass_kernels: no kernel of {which} is larger than 1 x 1, which has no frequency to leave out: "
            "derive from another model, or take other layers"
        )
    for convolution in convolutions:
        height, width = convolution.kernel_size
        weight = _projection(height, below) @ convolution.weight.double() @ _projection(width, below)
        convolution.weight.copy_(weight)
    return classifier


def _projection(n: int, below: int) -> Tensor:
    """The symmetric matrix [n, n] that leaves the frequencies below a limit of n values."""
    kept = dct_matrix(n)[:below]
    return kept.T @ kept
