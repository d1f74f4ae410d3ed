"""Layers that compute their weights from other parameters, and models with plain layers in place of them."""

import abc
import copy
from collections.abc import Callable

from torch import Tensor, nn


class ComposedLayer(nn.Module, abc.ABC):
    """A layer that composes its weights from other parameters whenever it is used."""

    @abc.abstractmethod
    def plain_layer(self) -> nn.Module:
        """Return a layer with these weights that computes the same, with the device, dtype and mode of this one."""

    @abc.abstractmethod
    def set_weight(self, weight: Tensor) -> None:
        """Set the other parameters to those that compose a weight, of the shape of the plain layer's."""


def compose(model: nn.Module) -> nn.Module:
    """Return a copy in which every `ComposedLayer` is the plain layer that computes the same.

    Args:
        model: any model, also one without such layers or one that is itself such a layer; it stays as it is.

    Returns:
        The copy, with the same device, dtype and training mode, and the same outputs.
    """

    def convert(_name: str, module: nn.Module) -> nn.Module | None:
        return module.plain_layer() if isinstance(module, ComposedLayer) else None

    return replace_layers(copy.deepcopy(model), convert)


def replace_layers(model: nn.Module, convert: Callable[[str, nn.Module], nn.Module | None]) -> nn.Module:
    """Put `convert(name, module)` instead of every module for which it is not None, in place.

    Returns:
        The model, or what stands instead of it where that is itself such a module.
    """
    converted = {module: convert(name, module) for name, module in model.named_modules()}
    if converted[model] is not None:
        return converted[model]
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if converted[module] is not None:
            model.set_submodule(name, converted[module])
    return model
