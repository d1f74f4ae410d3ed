"""Changes of a trained model's kernels, plane by plane."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from filterfreq.models.classifier import Classifier
from filterfreq.runtime.errors import InputError


@torch.no_grad()
def change_kernels(
    classifier: Classifier, layers: str, change: Callable[[Tensor], Tensor], key: str, lacking: str
) -> Classifier:
    """Give convolutions of a trained model other weights, without training it again. Biases stay.

    Args:
        classifier: on the CPU, its DCT layers composed; it is changed in place.
        layers: "first", the first convolution in the order of the modules; or "all" convolutions.
        change: from a convolution's weights, float64 [out, in / groups, height, width], to those instead of them, of
            the same shape. It is not asked of kernels of 1 x 1, which stay as they are.
        key: what the change is called in a config, for the message.
        lacking: what a kernel of 1 x 1 has not, which the change is of.

    Returns:
        The classifier.

    Raises:
        InputError: there is no convolution among these layers with a side above 1.
    """
    convolutions = [module for module in classifier.modules() if isinstance(module, nn.Conv2d)]
    if layers == "first":
        convolutions = convolutions[:1]
    spatial = [convolution for convolution in convolutions if max(convolution.kernel_size) > 1]
    if not spatial:
        which = "the model's first convolution" if layers == "first" else "any convolution of the model"
        raise InputError(
            f"{key}: no kernel of {which} is larger than 1 x 1, which has no {lacking}: derive from another model, or "
            "take other layers"
        )
    for convolution in spatial:
        convolution.weight.copy_(change(convolution.weight.double()))
    return classifier
