"""The signal decomposition and the frequency penalty as they are defined, step by step."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from filterfreq.models.surgery.decomposition import DCTConv2d


class TwoStage(nn.Module):
    """Signal decomposition: a fixed depthwise convolution with all basis filters, then a learned 1x1."""

    def __init__(self, layer: DCTConv2d) -> None:
        super().__init__()
        n = layer.kernel_size[0]
        self.coefficients = nn.Parameter(layer.coefficients.detach().clone())
        self.register_buffer("filters", layer.basis.reshape(n * n, 1, n, n).repeat(layer.in_channels, 1, 1, 1))
        self.arguments = (None, layer.stride, layer.padding, layer.dilation, layer.in_channels)
        self.groups = layer.groups

    def forward(self, images: Tensor) -> Tensor:
        responses = F.conv2d(images, self.filters, *self.arguments)
        return F.conv2d(responses, self.coefficients.flatten(1)[:, :, None, None], groups=self.groups)


def two_stage(model: nn.Module) -> nn.Module:
    """Put the two-stage form in the place of every DCT layer."""
    for name, module in list(model.named_modules()):
        if isinstance(module, DCTConv2d):
            model.set_submodule(name, TwoStage(module))
    return model


def layer_penalty(coefficients: Tensor, kind: str) -> Tensor:
    """One layer's penalty from its coefficients [O, I, N, N], word for word as the definition."""
    n = coefficients.shape[-1]
    norms = [[torch.linalg.vector_norm(coefficients[:, :, i, j]) for j in range(n)] for i in range(n)]
    total = coefficients.new_zeros(())
    if kind == "diff_all":
        diagonals = [[norms[i][j] for i in range(n) for j in range(n) if i + j == p] for p in range(2 * n - 1)]
        for p in range(1, 2 * n - 1):
            for a in diagonals[p - 1]:
                for b in diagonals[p]:
                    total = total + torch.relu(b - a)
        return total
    for i in range(n):
        for j in range(n):
            m = max(i, j)
            if kind.startswith("highest") and m > n / 2:
                total = total + m * norms[i][j]
            if kind.startswith("all") and m >= (n - 1) / 2:
                total = total + (i**2 + j**2) * norms[i][j]
    if kind.endswith("+diff"):
        for i, j in ((0, 1), (1, 0), (1, 1)):
            total = total + torch.relu(norms[i][j] - norms[0][0])
    return total


def penalty(model: nn.Module, kind: str, strength: float) -> Tensor:
    """The frequency penalty over all DCT layers."""
    layers = [module for module in model.modules() if isinstance(module, DCTConv2d)]
    return strength * sum(layer_penalty(layer.coefficients, kind) for layer in layers)
