"""Networks whose convolutions are normalised, put in place of plain ones from outside."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from filterfreq.models.surgery.composition import ComposedLayer, replace_layers
from filterfreq.models.surgery.conv_norm import ConvNorm
from filterfreq.models.surgery.weight_normalisation import NormalisedConv2d
from filterfreq.runtime.errors import InputError, unknown_name

METHODS = ("convnorm", "oni", "own", "spectral")


def normalise(model: nn.Module, method: str, image_size: int | None = None, **options: Any) -> nn.Module:
    """Replace, in place, every convolution by a normalised one, DCT layers by their composed kernels.

    "convnorm" makes a `ConvNorm` of each, and the network's own batch normalisations become identities (Liu et al.,
    NeurIPS 2021, released code), with its option `batch_norm: false` too. "oni", "own" and "spectral" make a
    `NormalisedConv2d`, and the batch normalisations stay. The weights stay as they were drawn.

    Args:
        model: any network; nothing is changed unless all its convolutions can be replaced. A convolution that is used
            in several places stays shared.
        method: one of `METHODS`.
        image_size: height and width of the images that the network takes, in pixels; "convnorm" alone needs it.
        **options: of `ConvNorm` or `NormalisedConv2d`.

    Returns:
        The model, or what stands in its place where it is itself a convolution.

    Raises:
        InputError: an unknown method; no convolution; one that has no such form, by its name; or the network does not
            take images of that size.
    """
    if method not in METHODS:
        raise unknown_name("normalisation", method, METHODS)
    if method == "convnorm":
        if image_size is None:
            raise InputError("normalisation convnorm: it needs the image_size of the network's images")
        sizes = _image_sizes(model, image_size)

        def make(name: str, layer: nn.Module) -> nn.Module:
            return ConvNorm(layer, *sizes[name], **options)
    else:

        def make(_name: str, layer: nn.Module) -> nn.Module:
            return NormalisedConv2d(layer, method, **options)

    def convert(name: str, module: nn.Module) -> nn.Module | None:
        if method == "convnorm" and isinstance(module, _BatchNorm):
            return _nothing_instead(name, module)
        return _converted(make, name, module) if isinstance(module, nn.Conv2d | ComposedLayer) else None

    if not any(isinstance(module, nn.Conv2d | ComposedLayer) for module in model.modules()):
        raise InputError(f"normalisation {method}: the model has no convolution to normalise: leave it out")
    return replace_layers(model, convert)


def _converted(make: Callable[[str, nn.Module], nn.Module], name: str, layer: nn.Module) -> nn.Module:
    try:
        if not isinstance(layer, ComposedLayer) and type(layer) is not nn.Conv2d:
            raise InputError(f"it is a {type(layer).__name__}, which may compute something else than a plain Conv2d")
        return make(name, layer)
    except InputError as error:
        raise InputError(f"normalisation: layer {name or 'at the top'} cannot be normalised: {error}") from error


def _nothing_instead(name: str, norm: nn.Module) -> nn.Module:
    if type(norm) not in (nn.BatchNorm1d, nn.BatchNorm2d):
        raise InputError(
            f"normalisation: layer {name} is a {type(norm).__name__}, which may do more than normalise: take another "
            "model, or another normalisation"
        )
    return nn.Identity()


@torch.no_grad()
def _image_sizes(model: nn.Module, image_size: int) -> dict[str, tuple[int, int]]:
    """Return height and width of what each convolution gets, by its name, for images of a size."""
    # A copy, because some networks keep what they compute for a size; its random numbers are not drawn in evaluation.
    tried = copy.deepcopy(model).eval()
    met: dict[str, set[tuple[int, int]]] = {}
    for name, layer in tried.named_modules():
        if isinstance(layer, nn.Conv2d | ComposedLayer):
            met[name] = set()
            layer.register_forward_pre_hook(partial(_note_size, met[name]))
    first = next(model.parameters())
    images = torch.zeros(1, 3, image_size, image_size, device=first.device, dtype=first.dtype)
    try:
        tried(images)
    except Exception as error:  # whatever a model says of images that it does not take
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"normalisation convnorm: the model does not take images of {image_size} x {image_size} pixels ({reason}): "
            "take another model, or a data set of its size"
        ) from error
    for name, sizes in met.items():
        if len(sizes) != 1:
            said = "gets images of several sizes" if sizes else "is met by no image"
            raise InputError(
                f"normalisation convnorm: layer {name} {said}, and its spectrum is that of one size: take another model"
            )
    return {name: sizes.pop() for name, sizes in met.items()}


def _note_size(sizes: set[tuple[int, int]], _layer: nn.Module, inputs: tuple[Tensor]) -> None:
    sizes.add((inputs[0].shape[2], inputs[0].shape[3]))
