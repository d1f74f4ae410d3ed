"""Initial weights of a whole network, whatever its architecture starts from."""

import torch
from torch import Tensor, nn

from filterfreq.models.surgery.composition import ComposedLayer
from filterfreq.runtime.errors import unknown_name

METHODS = ("xavier", "kaiming")


@torch.no_grad()
def initialise_weights(model: nn.Module, method: str) -> nn.Module:
    """Draw the weights of all convolutions and linear layers anew, from torch's global generator; biases become 0.

    "xavier" is uniform in +-sqrt(6 / (fan-in + fan-out)) (Glorot and Bengio, AISTATS 2010, equation 16), "kaiming"
    normal with variance 2 / fan-in (He et al., ICCV 2015, equation 10). A DCT layer gets the coefficients of filters
    so drawn: decomposed or not, equal seeds give the same filters. Other layers stay, normalisations among them.

    Args:
        model: it is changed in place.
        method: "xavier" or "kaiming".

    Returns:
        The model.

    Raises:
        InputError: an unknown method.
    """
    if method not in METHODS:
        raise unknown_name("initialisation", method, METHODS)
    for module in model.modules():
        if isinstance(module, ComposedLayer):
            plain = module.plain_layer()
            _draw(plain.weight, method)
            module.set_weight(plain.weight)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            _draw(module.weight, method)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model


def _draw(weight: Tensor, method: str) -> None:
    if method == "xavier":
        nn.init.xavier_uniform_(weight)
    else:
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
