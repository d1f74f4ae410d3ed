"""The small networks that learn functions."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class Ricker(nn.Module):
    """The activation `2 / (15 a pi^(1/4)) (1 - (x/a)^2) exp(-(x/a)^2 / 2)`, the Ricker wavelet.

    It is the one of the first author's scripts for Xu et al., arXiv 1901.06523 (branch dev-lgj, a = 0.1). Its spectrum
    peaks at sqrt(2)/a radians per unit instead of at 0, so a small `width` weakens the preference for low frequencies.

    Args:
        width: a, the distance from its peak to where it is 0.
    """

    def __init__(self, width: float) -> None:
        super().__init__()
        self.width = width
        self.height = 2 / (15 * width * math.pi**0.25)

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to each value."""
        squared = (x / self.width) ** 2
        return self.height * (1 - squared) * torch.exp(-squared / 2)


def _activation(settings: Mapping[str, Any]) -> nn.Module:
    if settings["activation"] == "ricker":
        return Ricker(settings["ricker_width"])
    return {"relu": nn.ReLU, "tanh": nn.Tanh}[settings["activation"]]()


def build_network(settings: Mapping[str, Any], inputs: int, outputs: int, seed: int) -> nn.Sequential:
    """Build a fully connected network; equal seeds give equal parameters.

    Args:
        settings: `widths`, the outputs of each hidden layer, and `activation`, "relu", "tanh" or "ricker", after each
            of them; `ricker_width` of the last; `initial_std`, the standard deviation of a normal distribution that all
            weights and biases are drawn from. Unless that is given, torch's own initialisation.
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
        layers += [nn.Linear(before, after), _activation(settings)]
    network = nn.Sequential(*layers, nn.Linear(widths[-1], outputs))
    if (std := settings.get("initial_std")) is not None:
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=std)
    return network


def slopes(network: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Return what a network makes of points on a line, and its derivative there; both can be differentiated again.

    Args:
        network: from N x 1 to N x 1, each output a function of its own input alone.
        inputs: N x 1.

    Returns:
        Both N x 1.
    """
    inputs = inputs.detach().requires_grad_(True)
    outputs = network(inputs)
    (slope,) = torch.autograd.grad(outputs.sum(), inputs, create_graph=True)
    return outputs, slope


def column(values: np.ndarray, device: torch.device) -> Tensor:
    """Return numbers as a network takes them: float32, N x 1."""
    return torch.tensor(values, dtype=torch.float32, device=device).unsqueeze(1)
