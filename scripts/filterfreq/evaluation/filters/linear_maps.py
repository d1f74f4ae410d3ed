"""The convolutions and linear layers of a model as linear maps, each on the size of image that it has in the model."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from filterfreq.evaluation.filters.graph import find_convolutions
from filterfreq.frequencies.singular_values import (
    circular_extremes,
    circular_norm,
    padded_size,
    reshaped_matrix_norm,
    zero_padded_norm,
)
from filterfreq.models.surgery.composition import ComposedLayer
from filterfreq.runtime.errors import InputError

Pair = tuple[int, int]


@dataclass(frozen=True)
class LinearMap:
    """One layer, without its bias.

    Attributes:
        name: of the module.
        weight: [O, I / groups, k, k'], or [O, I] of a linear layer: before its normalisation, if it has one.
        normalised: the same after it.
        scale: what a normalised layer multiplies its outputs by in frequency, real, [O, n_h, n_w // 2 + 1] with n =
            image + k - 1; None where it does not.
        channel_scale: the factors of the batch normalisation, [O], or a spectrum of the shape of `scale`; None: none.
        size: height and width of its images in pixels.
        stride, padding, dilation: of rows and of columns.
        groups: as in `torch.nn.Conv2d`.
        is_circular: whether its images are surrounded by themselves.
    """

    name: str
    weight: Tensor
    normalised: Tensor
    scale: Tensor | None
    channel_scale: Tensor | None
    size: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair | None = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    is_circular: bool = False

    def choose_weight(self, is_normalised: bool, is_folded: bool) -> "LinearMap":
        """Return the map with one kind of weights: before or after normalisation, with or without batch norm's scale.

        A spectrum of the batch normalisation, as that of a layer with a further convolution before it, needs the
        normalisation.
        """
        weight = self.normalised if is_normalised else self.weight
        scale = self.scale if is_normalised else None
        factors = self.channel_scale if is_folded else None
        if factors is not None and factors.ndim == 1:
            weight = weight * factors.view(-1, *[1] * (weight.ndim - 1))
        elif factors is not None and scale is not None:
            scale = scale * factors
        return replace(self, weight=weight, scale=scale)

    def reshaped_norm(self) -> float:
        """Return the norm of the weights reshaped to a matrix, which no scale in frequency changes."""
        return reshaped_matrix_norm(self.weight)

    def norm(self, boundary: str) -> float | None:
        """Return the spectral norm; None where that of a boundary cannot be told: zero of a scaled spectrum."""
        if self.weight.ndim == 2:
            return self.reshaped_norm()
        if boundary == "circular":
            return circular_norm(self.weight, *self._grid(), **self._options())
        if self.scale is not None or self.padding is None or self.is_circular:
            return None
        options = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}
        return zero_padded_norm(self.weight, *self.size, **options)

    def extremes(self) -> tuple[float, float]:
        """Return the largest and the smallest singular value of the circular map."""
        if self.weight.ndim == 2:
            values = torch.linalg.svdvals(self.weight)
            return float(values[0]), float(values[-1])
        return circular_extremes(self.weight, *self._grid(), **self._options())

    def _grid(self) -> Pair:
        return self.size if self.is_circular else padded_size(self.weight.shape[2:], self.dilation, *self.size)

    def _options(self) -> dict:
        return {"dilation": self.dilation, "groups": self.groups, "scale": self.scale}


def linear_maps(model: nn.Module, image_size: int) -> list[LinearMap]:
    """Return the convolutions and linear layers that an image meets, in the order in which it first meets them.

    A layer with a method `spectrum_scale(height, width)` is a normalised one: it convolves with `conv`, a `Conv2d` or
    DCT layer, or where it is a composed layer itself, with what it composes, and multiplies the spectrum of each output
    channel. Where a depthwise convolution `affine_weight` and the batch normalisation `norm` end it, these are what
    `channel_scale` holds.

    Args:
        model: takes normalised images N x 3 x H x W, on any device; it is left as it is.
        image_size: height and width of its images, in pixels.

    Raises:
        InputError: there is no such layer, the model does not take images of that size, or a layer pads with something
            else than zeros or the image itself.
    """
    norms = _batch_norms(model, image_size)
    found: dict[str, LinearMap] = {}
    handles = []
    inner = {
        child for module in model.modules() if _is_outer(module) for child in module.modules() if child is not module
    }

    def hook(name: str) -> Callable:
        def read(module: nn.Module, args: tuple) -> None:
            if name not in found:
                found[name] = _linear_map(name, module, tuple(args[0].shape[2:]), norms.get(name))

        return read

    for name, module in model.named_modules():
        if module not in inner and (_is_outer(module) or isinstance(module, nn.Conv2d | nn.Linear)):
            handles.append(module.register_forward_pre_hook(hook(name)))
    first = next(model.parameters(), torch.empty(0))
    is_training = model.training
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, 3, image_size, image_size, device=first.device, dtype=first.dtype))
    finally:
        model.train(is_training)
        for handle in handles:
            handle.remove()
    if not found:
        raise InputError("the model has no convolution or linear layer: leave spectral_norm out for it")
    return list(found.values())


def _is_outer(module: nn.Module) -> bool:
    """Whether a layer computes with weights of layers in it."""
    return isinstance(module, ComposedLayer) or hasattr(module, "spectrum_scale")


def _batch_norms(model: nn.Module, image_size: int) -> dict[str, Tensor]:
    """The scale of the batch normalisation that alone and directly follows each convolution that is used once."""
    convolutions = find_convolutions(model, image_size)
    uses = Counter(one.layer for one in convolutions)
    return {
        one.layer: torch.from_numpy(one.norm.scale)
        for one in convolutions
        if one.layer is not None and one.norm is not None and uses[one.layer] == 1
    }


def _linear_map(name: str, layer: nn.Module, size: Pair, norm: Tensor | None) -> LinearMap:
    if isinstance(layer, nn.Linear):
        weight = _double(layer.weight)
        return LinearMap(name, weight, weight, None, None)
    plain = layer.plain_layer() if isinstance(layer, ComposedLayer) else getattr(layer, "conv", layer)
    scale = None
    before = plain
    if hasattr(layer, "spectrum_scale"):
        before = layer.conv
        if not isinstance(layer, ComposedLayer):
            scale = _double(layer.spectrum_scale(*size))
            norm = _ending_scale(layer, scale, padded_size(before.kernel_size, (1, 1), *size))
    plain, before = (one.plain_layer() if isinstance(one, ComposedLayer) else one for one in (plain, before))
    padding = plain.padding
    reach = padded_size(plain.kernel_size, plain.dilation, 0, 0)
    if padding == "valid":
        padding = (0, 0)
    elif padding == "same":
        padding = None if any(side % 2 for side in reach) else (reach[0] // 2, reach[1] // 2)
    is_circular = plain.padding_mode == "circular"
    if plain.padding_mode not in ("zeros", "circular") or (is_circular and padding != (reach[0] // 2, reach[1] // 2)):
        raise InputError(
            f"layer {name} pads with {plain.padding_mode!r}, of which no singular values are known: leave "
            "spectral_norm out for this model"
        )
    stride, dilation, groups = plain.stride, plain.dilation, plain.groups
    weights = _double(before.weight), _double(plain.weight)
    return LinearMap(name, *weights, scale, norm, size, stride, padding, dilation, groups, is_circular)


def _ending_scale(layer: nn.Module, scale: Tensor, grid: Pair) -> Tensor | None:
    """What ends a normalised layer: the spectrum of its depthwise convolution times the batch normalisation's scale."""
    norm = getattr(layer, "norm", None)
    factors = torch.ones(len(scale), dtype=torch.float64)
    if isinstance(norm, nn.BatchNorm2d):
        factors = (norm.running_var.detach().cpu().double() + norm.eps).rsqrt()
        factors = factors if norm.weight is None else factors * _double(norm.weight)
    affine = getattr(layer, "affine_weight", None)
    if affine is None:
        return factors
    # Of no angle: the singular values of a matrix do not depend on those of the factors of its rows.
    spectrum = torch.fft.rfft2(_double(affine)[:, 0], s=grid).abs()
    return spectrum * factors.view(-1, 1, 1)


def _double(values: Tensor) -> Tensor:
    return values.detach().cpu().double()
