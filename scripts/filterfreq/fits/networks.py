"""The small networks that learn functions."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import nn

_ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


def build_network(settings: Mapping[str, Any], inputs: int, outputs: int, seed: int) -> nn.Sequential:
    """Build a fully connected network with torch's own initialisation; equal seeds give equal parameters.

    Args:
        settings: `widths`, the outputs of each hidden layer, and `activation`, "relu" or "tanh", after each of them.
        inputs: coordinates of a point.
        outputs: values of the function.
        seed: of the initialisation.

    Returns:
        A network from N x inputs to N x outputs, float32, on the CPU.
    """
    torch.manual_seed(seed)
    widths = [inputs, *settings["widths"]]
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), _ACTIVATIONS[settings["activation"]]()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], outputs))
