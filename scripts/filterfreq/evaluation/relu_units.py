"""How many ReLU units of a network have another sign at another point.

A network of ReLU is affine wherever the signs of its pre-activations stay as they are. Each unit whose sign differs
between two points has its hyperplane, bent by the layers before it, across the straight way between them. One that is
crossed twice has the same sign again and is not counted.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from filterfreq.runtime.errors import InputError

_RELUS = frozenset({F.relu, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_})


def crossed_units(network: Callable[[Tensor], Tensor], starts: Tensor, ends: Sequence[Tensor]) -> tuple[Tensor, int]:
    """Count the units whose pre-activations are above 0 at one end of a way and not at the other.

    All calls of ReLU count, those of modules and those of functions; other activations, leaky ones among them, and the
    choices of max pooling do not. Starts and ends pass the network in one batch.

    Args:
        network: float images N x C x H x W to anything, each image by itself.
        starts: such images.
        ends: for each of some ways that begin at the starts, such images.

    Returns:
        int64, ways x N, and how many units an image has.

    Raises:
        InputError: no ReLU was called.
    """
    signs = _SignChanges(1 + len(ends))
    with torch.no_grad(), signs:
        network(torch.cat([starts, *ends]))
    if not signs.units:
        raise InputError(
            "regions: the model calls no ReLU that can be counted, so it has no units whose hyperplanes are crossed: "
            "name the suites of its experiment, without this one"
        )
    return signs.crossed, signs.units


class _SignChanges(TorchFunctionMode):
    """While it is active, compares the signs of each ReLU's input between the first points of a batch and the others.

    Args:
        points: how many points there are of each image; the batch has all first ones, then all second ones and so on.
    """

    def __init__(self, points: int) -> None:
        super().__init__()
        self.points = points
        self.crossed: Any = 0
        self.units = 0

    def __torch_function__(self, function, types, arguments=(), options=None):
        options = options or {}
        if function in _RELUS:
            # Before the call, which may overwrite it.
            self._compare(arguments[0] if arguments else options["input"])
        # Within this method the mode is off: what a function of Python calls is not counted again.
        return function(*arguments, **options)

    def _compare(self, values: Tensor) -> None:
        signs = (values > 0).unflatten(0, (self.points, -1)).flatten(2)
        self.crossed = self.crossed + (signs[1:] != signs[0]).sum(dim=2)
        self.units += signs.shape[2]
