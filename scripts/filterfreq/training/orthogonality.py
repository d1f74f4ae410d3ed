"""The penalty of orthogonal convolutions (OCNN; Wang, Chen, Chakraborty and Yu, CVPR 2020) on the weights of layers."""

import logging
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from filterfreq.models.surgery.decomposition import DCTConv2d
from filterfreq.runtime.errors import InputError, unknown_name
from filterfreq.training.intervention import Intervention

PADDINGS = ("corrected", "released")
COUNTED = ("all", "released")

_LOG = logging.getLogger(__name__)


def intervention(settings: Mapping[str, Any]) -> Intervention:
    """Return the intervention of settings `strength`, `padding` and `counted`; it logs the layers that count, once."""
    strength, padding = settings["strength"], settings.get("padding", "corrected")
    counted = settings.get("counted", "all")
    if not math.isfinite(strength) or strength < 0:
        raise InputError(f"the penalty strength is {strength}: give a finite number of at least 0")
    is_logged = False

    def penalty(model: nn.Module) -> Tensor:
        nonlocal is_logged
        layers = counted_layers(model, counted)
        if not is_logged:
            _LOG.info("the penalty orthogonal counts %d layers: %s", len(layers), ", ".join(layers))
            is_logged = True
        return strength * sum(_layer_penalty(layer, padding) for layer in layers.values())

    return Intervention(penalty=penalty)


def counted_layers(model: nn.Module, counted: str) -> dict[str, nn.Module]:
    """Return the convolutions that count, by name, in module order.

    Args:
        model: with or without DCT layers, of which the composed kernels count.
        counted: "all", or "released": as in the code of Liu et al. (NeurIPS 2021), the 1 x 1 convolutions of shortcuts
            and the first convolution of each residual block. A block is a module that has convolutions as children,
            one of them called conv1, and is not the network itself; a shortcut's name holds "shortcut" or "downsample".

    Raises:
        InputError: an unknown word, or no convolution counts.
    """
    if counted not in COUNTED:
        raise unknown_name("layers of the penalty orthogonal", counted, COUNTED)
    found = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d | DCTConv2d)}
    if counted == "released":
        # Of what stands in a block: two convolutions at least, so that the network's stem is none.
        # A normalised layer holds its convolution as conv; of both the layer's own name counts.
        places = {name: name.removesuffix(".conv").rpartition(".") for name in found}
        blocks = {parent for parent, _, own in places.values() if own == "conv2"}
        found = {
            name: module
            for name, module in found.items()
            if _is_shortcut(name, module) or (places[name][2] == "conv1" and places[name][0] in blocks)
        }
    if not found:
        raise InputError("the penalty orthogonal has no convolution that counts: set counted to all, or leave it out")
    return found


def matrix_penalty(weight: Tensor) -> Tensor:
    """Return ||M^T M - I||_F of M, the weight as O x (I k k), transposed where it has more columns than rows.

    Args:
        weight: [O, I, k, k'].
    """
    matrix = weight.flatten(1)
    matrix = matrix.T if matrix.shape[0] < matrix.shape[1] else matrix
    return torch.linalg.matrix_norm(matrix.T @ matrix - torch.eye(matrix.shape[1]).to(matrix))


def convolution_penalty(weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]) -> Tensor:
    """Return ||conv(w, w) - D||_F: the O filters, as images and as kernels, less the identity at the middle offset.

    With stride 1 and padding k - 1 it is 0 of exactly the convolutions whose rows are orthonormal; smaller paddings
    leave offsets out. At stride s the offsets are multiples of s, with zero among them if s divides the padding.

    Args:
        weight: [O, I, k, k'].
        stride: of rows and of columns.
        padding: zeros around the filters.
    """
    products = F.conv2d(weight, weight, stride=stride, padding=padding)
    target = torch.zeros_like(products)
    diagonal = torch.arange(len(weight), device=weight.device)
    target[diagonal, diagonal, products.shape[2] // 2, products.shape[3] // 2] = 1
    return torch.linalg.vector_norm(products - target)


def corrected_padding(kernel_size: tuple[int, int], stride: tuple[int, int]) -> tuple[int, int]:
    """Return floor((k - 1) / s) s for both axes: all offsets at which the filters meet, zero among them."""
    rows, columns = ((side - 1) // step * step for side, step in zip(kernel_size, stride, strict=True))
    return rows, columns


def _layer_penalty(layer: nn.Module, padding: str) -> Tensor:
    """The penalty of one layer, summed over its groups: 1 x 1 kernels as matrices."""
    if padding not in PADDINGS:
        raise unknown_name("padding of the penalty orthogonal", padding, PADDINGS)
    weight = layer.composed_weight() if isinstance(layer, DCTConv2d) else layer.weight
    stride = (layer.stride, layer.stride) if isinstance(layer.stride, int) else layer.stride
    groups = weight.chunk(layer.groups)
    if tuple(layer.kernel_size) == (1, 1):
        return sum(matrix_penalty(group) for group in groups)
    zeros = (1, 1) if padding == "released" else corrected_padding(layer.kernel_size, stride)
    return sum(convolution_penalty(group, stride, zeros) for group in groups)


def _is_shortcut(name: str, module: nn.Module) -> bool:
    return ("shortcut" in name or "downsample" in name) and tuple(module.kernel_size) == (1, 1)
