"""Whether a network takes images of a size, found by giving it some."""

import copy

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from filterfreq.runtime.errors import InputError


def check_image_size(name: str, classifier: nn.Module, image_size: int, dataset: str) -> int:
    """Check that a classifier takes images of a data set's size.

    Transformers are of one size, and what a network pools must not be smaller than its kernel.

    Args:
        name: the model's, for the message.
        classifier: float images N x 3 x H x W in [0, 1] to logits, on any device; it stays as it is.
        image_size: height and width in pixels.
        dataset: the data set's name, for the message.

    Returns:
        How many values of a channel its batch normalisations have of one image, at least: 1 where they see a single
        pixel or a vector; 0 in a classifier without any.

    Raises:
        InputError: it does not.
    """
    # A copy, because some networks keep what they compute for a size.
    tried = copy.deepcopy(classifier).eval()
    images = torch.zeros(2, 3, image_size, image_size, device=next(classifier.parameters()).device)
    values: list[int] = []

    def count(_layer: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        values.append(inputs[0].numel() // (inputs[0].shape[1] * len(images)))

    for layer in tried.modules():
        if isinstance(layer, _BatchNorm):
            layer.register_forward_pre_hook(count)
    try:
        with torch.no_grad():
            tried(images)
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"{name} does not take the images of {dataset}, {image_size} x {image_size} pixels ({reason}): "
            "list another model, or a data set of its size"
        ) from error
    return min(values, default=0)
