"""The 3 x 3 convolutions of a model, how deep in its graph each lies, and the kernels of its first layer."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from torch import nn

from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.evaluation.filters.graph import Convolution, find_convolutions, to_numpy
from filterfreq.evaluation.filters.metrics import SIDE
from filterfreq.models.surgery.composition import ComposedLayer
from filterfreq.runtime.errors import InputError

_FIRST = 32


def filter_layers(model: nn.Module, image_size: int, fold_batch_norm: bool = False) -> list[FilterLayer]:
    """Return the layers that `read_filter_layers` reads, at once: folded ones are a copy of the model's in float64."""
    return list(read_filter_layers(model, image_size, fold_batch_norm))


def read_filter_layers(model: nn.Module, image_size: int, fold_batch_norm: bool = False) -> Iterator[FilterLayer]:
    """Read the 3 x 3 convolutions of a model one by one, in the order in which an image meets them.

    Convolutions that no image meets are left out, and one that it meets several times counts where that is first. See
    `filterfreq.evaluation.filters.graph.find_convolutions` for the graph.

    Args:
        model: takes normalised images N x 3 x H x W, on any device; it is left as it is. DCT layers count as the
            convolutions that they compose.
        image_size: height and width of its images, in pixels.
        fold_batch_norm: multiply the filters, in float64, by the scale of the batch normalisation that alone and
            directly follows, as an export to ONNX does; not those of a convolution that is used several times.

    Yields:
        The layers. Their weights share the memory of the model's where these are on the CPU and not folded.

    Raises:
        InputError: there is no such convolution, the model does not take images of that size, or does something with
            them that cannot be followed.
    """
    convolutions = find_convolutions(model, image_size)
    depths = sorted({convolution.depth for convolution in convolutions})
    uses = Counter(convolution.layer for convolution in convolutions)
    first: dict[str, Convolution] = {}
    for convolution in convolutions:
        if convolution.layer is not None:
            first.setdefault(convolution.layer, convolution)
    index = 0
    for name, convolution in first.items():
        layer = model.get_submodule(name)
        plain = _plain_layer(layer)
        if not isinstance(plain, nn.Conv2d) or plain.kernel_size != (SIDE, SIDE):
            continue
        weights = to_numpy(plain.weight)
        if fold_batch_norm and convolution.norm is not None and uses[name] == 1:
            weights = weights * convolution.norm.scale[:, None, None, None]
        conv_depth = depths.index(convolution.depth)
        yield FilterLayer(name, index, conv_depth, conv_depth / max(len(depths) - 1, 1), weights)
        index += 1
    if not index:
        raise InputError("the model has no convolution of 3 x 3 that an image meets: leave this evaluation out for it")


def first_filters(model: nn.Module, image_size: int) -> dict[str, np.ndarray]:
    """Return the first filters of the first layer and of each 3 x 3 convolution of a model, as pictures show them.

    Gavrikov and Keuper (CVPR workshops 2022) show 32 of each layer, in the order of output, then of input channels.

    Args:
        model: see `read_filter_layers`.
        image_size: height and width of its images, in pixels.

    Returns:
        `first_filters`, float32, layers x 32 x 3 x 3, in the order in which an image meets the layers, NaN where one
        has fewer filters; `conv_depths`, int64, the depth of each, see `filterfreq.evaluation.filters.filter_layer`;
        `first_kernels`, float32, up to 32 x K x K, of the convolution that an image meets first, whatever its size.

    Raises:
        InputError: see `read_filter_layers`.
    """
    rows, depths = [], []
    for layer in read_filter_layers(model, image_size):
        filters = layer.weights.reshape(-1, SIDE, SIDE)[:_FIRST]
        rows.append(np.full((_FIRST, SIDE, SIDE), np.nan, np.float32))
        rows[-1][: len(filters)] = filters
        depths.append(layer.conv_depth)
    named = [convolution for convolution in find_convolutions(model, image_size) if convolution.layer is not None]
    stem = min(named, key=lambda convolution: convolution.depth)
    weights = to_numpy(_plain_layer(model.get_submodule(stem.layer)).weight)
    kernels = weights.reshape(-1, *weights.shape[2:])[:_FIRST].astype(np.float32)
    return {"first_filters": np.stack(rows), "conv_depths": np.array(depths), "first_kernels": kernels}


def _plain_layer(layer: nn.Module) -> nn.Module:
    """The convolution that a layer is, or composes."""
    return layer.plain_layer() if isinstance(layer, ComposedLayer) else layer
