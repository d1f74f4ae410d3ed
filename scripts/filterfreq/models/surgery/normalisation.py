"""Networks with and without batch normalisation (Ioffe and Szegedy, ICML 2015), or with normalised convolutions."""

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from filterfreq.models.classifier import Classifier
from filterfreq.models.normalisation_slot import NormalisationSlot
from filterfreq.models.surgery.composition import ComposedLayer, replace_layers
from filterfreq.models.surgery.convolution_normalisation import METHODS as OF_CONVOLUTIONS
from filterfreq.models.surgery.convolution_normalisation import normalise
from filterfreq.runtime.errors import InputError, unknown_name

METHODS = ("none", "batch")


class ChannelBias(nn.Module):
    """Adds a learned number to each channel, 0 at first: what is left of a batch normalisation without normalising.

    Args:
        channels: of the features N x channels x ...
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Shift features [N, channels, ...]."""
        return features + self.bias.view(-1, *[1] * (features.dim() - 2))

    def extra_repr(self) -> str:
        """Describe the layer as torch's own do."""
        return str(len(self.bias))


def set_normalisation(classifier: Classifier, method: str, **options: Any) -> Classifier:
    """Have a classifier that is still to be trained normalise by batches, not at all, or its convolutions.

    "batch" gives a network without batch normalisation one at each `NormalisationSlot`, or where there is none of
    these, behind each convolution, DCT layers included; with torch's settings, scale 1 and shift 0 at first. A network
    that has some stays as it is. Biases of the convolutions stay, though the normalisation cancels them.

    "none" puts a `ChannelBias` in place of each batch normalisation. Behind a convolution this is the convolution's
    bias, which it lacks because the shift of the normalisation took its part (Ioffe and Szegedy, section 3.2: "the role
    of the bias is subsumed by β"); the scale is part of its weights. Other normalisations, of layers or groups, stay.

    The other methods are those of `filterfreq.models.surgery.convolution_normalisation.normalise`.

    Args:
        classifier: its backbone is changed in place; the weights that it has stay as they were drawn.
        method: "none", "batch", or one of those.
        **options: of those.

    Returns:
        The classifier.

    Raises:
        InputError: an unknown method; there is no convolution to normalise behind; or a batch normalisation is of a
            class that does something else beside, and the sentence names the layer.
    """
    if method in OF_CONVOLUTIONS:
        classifier.backbone = normalise(classifier.backbone, method, **options)
        return classifier
    if method not in METHODS:
        raise unknown_name("normalisation", method, [*METHODS, *OF_CONVOLUTIONS])
    change = _add_batch_normalisation if method == "batch" else _remove_batch_normalisation
    classifier.backbone = change(classifier.backbone)
    return classifier


def _add_batch_normalisation(network: nn.Module) -> nn.Module:
    kinds = [type(module) for module in network.modules()]
    if any(issubclass(kind, _BatchNorm) for kind in kinds):
        return network
    if NormalisationSlot in kinds:
        return replace_layers(network, _filled_slot)
    if not any(issubclass(kind, nn.Conv2d | ComposedLayer) for kind in kinds):
        raise InputError("normalisation: the model has no convolution to normalise behind: leave it out")
    return replace_layers(network, _normalised_convolution)


def _filled_slot(_name: str, module: nn.Module) -> nn.Module | None:
    return nn.BatchNorm2d(module.channels) if isinstance(module, NormalisationSlot) else None


def _normalised_convolution(_name: str, module: nn.Module) -> nn.Module | None:
    if not isinstance(module, nn.Conv2d | ComposedLayer):
        return None
    return nn.Sequential(OrderedDict(conv=module, bn=nn.BatchNorm2d(module.out_channels)))


def _remove_batch_normalisation(network: nn.Module) -> nn.Module:
    return replace_layers(network, _bias_instead)


def _bias_instead(name: str, module: nn.Module) -> nn.Module | None:
    if not isinstance(module, _BatchNorm):
        return None
    if type(module) not in (nn.BatchNorm1d, nn.BatchNorm2d):
        raise InputError(
            f"normalisation: layer {name} is a {type(module).__name__}, which may do more than normalise: leave "
            "normalisation out, or take another model"
        )
    return ChannelBias(module.num_features)
