"""The 2-D convolutions that an image meets in a network, found by following one through it."""

import copy
import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from filterfreq.models.surgery.composition import ComposedLayer
from filterfreq.runtime.errors import InputError

_BATCH_NORM = inspect.signature(F.batch_norm)
_CONVOLVING = (nn.Conv2d, ComposedLayer)
# What an evaluation leaves as it is; an export to ONNX has no node for it either.
_NO_OPERATIONS = {F.dropout, F.dropout1d, F.dropout2d, F.alpha_dropout, F.feature_alpha_dropout, Tensor.contiguous}


@dataclass(frozen=True)
class BatchNorm:
    """A batch normalisation by running statistics.

    Attributes:
        variance: the running one of each channel, [O].
        weight: what it multiplies each channel by, [O]; None where it does not.
        eps: what is added to the variance.
    """

    variance: Tensor
    weight: Tensor | None
    eps: float

    @property
    def scale(self) -> np.ndarray:
        """What each channel is multiplied by in all, float64 [O]."""
        scale = (self.variance.double() + self.eps).rsqrt()
        return to_numpy(scale if self.weight is None else scale * self.weight)


@dataclass(frozen=True)
class Convolution:
    """One 2-D convolution of an image.

    Attributes:
        layer: the name of the module that convolves; None where none does, as a function that `forward` calls.
        depth: the longest path to it from the image, in nodes.
        norm: the batch normalisation that alone and directly follows it; None where there is none.
    """

    layer: str | None
    depth: int
    norm: BatchNorm | None


@dataclass(frozen=True)
class _Node:
    """One function of torch that an image passed, the numbers of the nodes before it, and what it has of the model."""

    function: Callable[..., Any] | None
    inputs: frozenset[int] = frozenset()
    layer: str | None = None
    norm: BatchNorm | None = None


def find_convolutions(model: nn.Module, image_size: int) -> list[Convolution]:
    """Return the 2-D convolutions of any kernel size that an image meets, in the order in which it meets them.

    The graph is that of one run, in evaluation mode, with an image of zeros: so `forward` may branch. Every function of
    torch that the image passes is a node, but not what an export to ONNX leaves out: dropout, and a batch normalisation
    that alone and directly follows a convolution.

    Args:
        model: takes normalised images N x 3 x H x W, on any device; it is left as it is.
        image_size: height and width of its images, in pixels.

    Raises:
        InputError: it does not take images of that size, or does something with them that cannot be followed.
    """
    nodes = _trace(model, image_size)
    consumers = Counter(number for node in nodes for number in node.inputs)

    def is_folded(node: _Node) -> bool:
        """Whether a node is a batch normalisation that alone and directly follows a convolution."""
        if node.norm is None or len(node.inputs) != 1:
            return False
        [before] = node.inputs
        return nodes[before].function is F.conv2d and consumers[before] == 1

    depths: list[int] = []
    norms: dict[int, BatchNorm | None] = {}
    for node in nodes:
        folded = is_folded(node)
        depths.append(max((depths[number] for number in node.inputs), default=-1) + (not folded))
        if folded:
            norms |= dict.fromkeys(node.inputs, node.norm)
    return [
        Convolution(node.layer, depths[number], norms.get(number))
        for number, node in enumerate(nodes)
        if node.function is F.conv2d
    ]


def _trace(model: nn.Module, image_size: int) -> list[_Node]:
    """The nodes that an image passes, the first of which is the image."""
    first = next(model.parameters(), torch.empty(0))
    image = torch.zeros(1, 3, image_size, image_size, device=first.device, dtype=first.dtype)
    attributes = (value for module in model.modules() for value in vars(module).values() if isinstance(value, Tensor))
    tensors = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers(), *attributes)}
    # Of the modules a copy, because some keep what they compute for a size; the tensors are the model's own.
    copied = copy.deepcopy(model, dict(tensors)).eval()
    follower = _Follower(image)
    for name, module in copied.named_modules():
        if isinstance(module, _CONVOLVING):
            module.register_forward_pre_hook(partial(follower.enter, name))
        module.register_forward_hook(follower.leave, with_kwargs=True)
    try:
        with torch.no_grad(), follower:
            copied(image)
    except InputError:
        raise
    except Exception as error:  # whatever a model says of images that it does not take
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(
            f"the model does not take an image of {image_size} x {image_size} pixels ({reason}): give the size of its "
            "images"
        ) from error
    return follower.nodes


class _Follower(TorchFunctionMode):
    """Writes down the functions of torch that an image passes.

    Args:
        image: the image.

    Attributes:
        nodes: those that it has passed; the first is the image itself.
    """

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.nodes = [_Node(None)]
        self._numbers = WeakTensorKeyDictionary()
        self._numbers[image] = 0
        self._layer: str | None = None

    def enter(self, name: str, *_: Any) -> None:
        """Begin the layer of that name, which convolves."""
        self._layer = name

    def leave(self, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        """End a module; what it made of the image without a function of torch, as in an extension, comes from it."""
        if isinstance(module, _CONVOLVING):
            self._layer = None
        if not self._numbers_in(result):
            self._write(result, _Node(None, self._numbers_in((args, kwargs))))

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a function of torch, and write it down if the image passes it."""
        kwargs = kwargs or {}
        inputs = self._numbers_in((args, kwargs))
        result = function(*args, **kwargs)
        if not inputs and function is F.conv2d and self._layer is not None:
            raise InputError(
                f"layer {self._layer} takes what cannot be followed from the image, as it comes from no function of "
                "torch: leave this evaluation of filters out for the model"
            )
        if function in _NO_OPERATIONS:
            for tensor in _tensors_in(result):
                self._numbers[tensor] = max(inputs, default=0)
        elif function is Tensor.__setitem__:
            self._write(args[0], _Node(function, inputs))
        else:
            layer = self._layer if function is F.conv2d else None
            self._write(result, _Node(function, inputs, layer, _running_norm(function, args, kwargs)))
        return result

    def _numbers_in(self, values: Any) -> frozenset[int]:
        """The numbers of the nodes that made the tensors in some values."""
        return frozenset(self._numbers[tensor] for tensor in _tensors_in(values) if tensor in self._numbers)

    def _write(self, values: Any, node: _Node) -> None:
        """Write down the node that made the tensors in some values, if the image came to it."""
        tensors = _tensors_in(values)
        if node.inputs and tensors:
            for tensor in tensors:
                self._numbers[tensor] = len(self.nodes)
            self.nodes.append(node)


def _running_norm(function: Callable[..., Any], args: Any, kwargs: Any) -> BatchNorm | None:
    """The batch normalisation by running statistics that a call of a function is; None of others."""
    if function is not F.batch_norm:
        return None
    given = _BATCH_NORM.bind(*args, **kwargs)
    given.apply_defaults()
    values = given.arguments
    if values["training"] or values["running_var"] is None:
        return None
    return BatchNorm(values["running_var"], values["weight"], values["eps"])


def _tensors_in(values: Any) -> list[Tensor]:
    """The tensors in some values."""
    return [value for value in tree_leaves(values) if isinstance(value, Tensor)]


def to_numpy(tensor: Tensor) -> np.ndarray:
    """Return the numbers of a tensor on any device, without a copy where it is on the CPU; of bfloat16 as float32."""
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
