"""Sums over parts of an average whose graphs are never in memory together."""

from collections.abc import Callable, Iterator
from functools import reduce
from operator import add
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from filterfreq.models.averaging.votes import Sums

Parts = Callable[[], Iterator[Callable[[Tensor], Sums]]]
"""Yields functions of the images, each of which adds up the answers at some points; the same ones at every call."""


def add_up_parts(images: Tensor, parts: Parts) -> Sums:
    """Return the sums of all parts.

    Where images have a gradient it is made in the backward pass, part by part: each is computed again, and of its graph
    a share of the gradient is left. A `torch.utils.checkpoint` of each part has the same gradient and keeps no more
    tensors, but leaves its small nodes of the graph between the large tensors that come and go, and the memory of a
    process on a CPU grows with their number. Nothing but the images has a gradient then, and that has none itself.

    Args:
        images: float, N x C x H x W.
        parts: at least one; of images with a gradient it is called once more.
    """
    if torch.is_grad_enabled() and images.requires_grad:
        return Sums(*_PartByPart.apply(images, parts))
    return reduce(add, (part(images) for part in parts()))


class _PartByPart(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, parts: Parts) -> Sums:
        sums = reduce(add, (part(images) for part in parts()))
        ctx.parts = parts
        ctx.save_for_backward(images, sums.log_probability)
        ctx.mark_non_differentiable(sums.count)
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_log_probability: Tensor, by_logit: Tensor, by_votes: Tensor, _: Tensor) -> tuple:
        images, log_probability = ctx.saved_tensors
        gradient = torch.zeros_like(images)
        for part in ctx.parts():
            inputs = images.detach().requires_grad_()
            with torch.enable_grad():
                sums = part(inputs)
            # Of log(exp a + exp b) the derivative by a is exp(a) / (exp a + exp b); the other sums are plain ones.
            share = (sums.log_probability.detach() - log_probability).exp()
            gradient += torch.autograd.grad(sums[:3], inputs, (by_log_probability * share, by_logit, by_votes))[0]
        return gradient, None
