"""Several networks of one form, trained as one: the repeats of a fit that differ in their seeds."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Repeats(nn.Module):
    """Fully connected networks of one form whose parameters are stacked, so that one call computes all of them.

    None sees another: the gradient of a sum over the repeats is that of each alone, and optimizers that treat each
    parameter for itself, as Adam does, train each as if it were alone. A library may multiply stacks of other sizes in
    another way, so equal bits are promised of equal stacks alone.

    Attributes:
        weights: of each linear layer, R x outputs x inputs.
        biases: of each linear layer, R x 1 x outputs.

    Args:
        networks: R of one form, each a sequence of linear layers with functions without parameters between them.
    """

    def __init__(self, networks: Sequence[nn.Sequential]) -> None:
        super().__init__()
        linear = [[layer for layer in network if isinstance(layer, nn.Linear)] for network in networks]
        layers = list(zip(*linear, strict=True))
        self.weights = nn.ParameterList(torch.stack([one.weight.detach() for one in layer]) for layer in layers)
        self.biases = nn.ParameterList(torch.stack([one.bias.detach() for one in layer])[:, None] for layer in layers)
        self._form = [None if isinstance(layer, nn.Linear) else layer for layer in networks[0]]

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs of each network, R x N x outputs.

        Args:
            inputs: N x inputs, the same for all, or R x N x inputs.
        """
        values = inputs.expand(len(self.weights[0]), *inputs.shape[-2:])
        layers = iter(zip(self.weights, self.biases, strict=True))
        for function in self._form:
            if function is not None:
                values = function(values)
            else:
                weight, bias = next(layers)
                values = torch.baddbmm(bias, values, weight.transpose(1, 2))
        return values

    @torch.no_grad()
    def unstack(self, number: int, network: nn.Sequential) -> None:
        """Give a network of this form the parameters of the repeat of a number."""
        layers = [layer for layer in network if isinstance(layer, nn.Linear)]
        for layer, weight, bias in zip(layers, self.weights, self.biases, strict=True):
            layer.weight.copy_(weight[number])
            layer.bias.copy_(bias[number, 0])

    def spectral_norms(self) -> list[Tensor]:
        """Return the largest singular value of each layer's weights, from the first on: R float64 values each."""
        return [torch.linalg.matrix_norm(weight.detach().double(), ord=2) for weight in self.weights]
