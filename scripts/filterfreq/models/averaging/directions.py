"""Directions in which an averaged classifier looks around an image.

Lin, K. A., Jiang, Bandlimiting Neural Networks Against Adversarial Attacks, 2019, arXiv 1905.12797, and its released
code. All lengths are in a unit of the caller's, which `scale` converts to pixels: of an offset v the image is changed
by `scale * v`.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from filterfreq.models.stochastic import draw_normal

Offsets = tuple[Tensor, Tensor]
"""Changes of images in pixels for each unit of length, N x K x C x H x W; and 1.0, or 0.0 where none is, N x K."""

Recall = Callable[[], Offsets]
"""Returns the same offsets whenever it is called, of draws without keeping them."""


class Source(NamedTuple):
    """Directions of a batch of images: how many each image has, and what finds some of them when they are wanted."""

    count: int
    find: Callable[[slice], Recall]


def random_directions(images: Tensor, seeds: np.ndarray, scale: Tensor, unit_length: bool = True) -> Source:
    """Return directions that are uniform on the sphere, or noise of N(0, 1).

    Args:
        images: float, N x C x H x W.
        seeds: uint32, N x K, see `filterfreq.models.stochastic.Draws.seeds`.
        scale: pixels in a unit, 1 x C x 1 x 1.
        unit_length: divide what is drawn by its length, in the unit.
    """

    def draw(wanted: slice) -> Offsets:
        drawn = draw_normal(seeds[:, wanted], images.shape[1:], images.device).to(images.dtype)
        if unit_length:
            drawn /= torch.linalg.vector_norm(drawn, dim=(2, 3, 4), keepdim=True)
        return drawn * scale, drawn.new_ones(drawn.shape[:2])

    return Source(seeds.shape[1], lambda wanted: partial(draw, wanted))


def unit_directions(
    classify: Callable[[Tensor], Tensor],
    layers: list[nn.Linear],
    images: Tensor,
    count: int,
    scale: Tensor,
    exact: bool,
) -> Source:
    """Return directions across the hyperplanes of the units of linear layers that are nearest to each image.

    The hyperplane of a unit with pre-activation a is where a is 0. Within the linear region of an image it is
    `d = |a| / ||grad a||` away, and `v = grad |a| / ||grad |a|||` leads away from it: x - d v is on it. The exact form
    takes the units with the smallest d of all layers. The other, which the released code calls approx, ranks the units
    of each layer by `|a_i| / ||W_i||`, W_i the unit's row of its own layer's weights, and takes as many of each layer.

    Directions of all images come from one backward pass for each chosen unit, the distances of the exact form from one
    for each unit. A unit without gradient gives no direction.

    Args:
        classify: from images to logits; runs the layers.
        layers: those whose units count.
        images: float, N x C x H x W.
        count: how many directions to take; the layers share them evenly where not exact, the first ones having those
            that remain. A layer with fewer units has a direction for each.
        scale: pixels in a unit of length, 1 x C x 1 x 1.
        exact: see above.

    Returns:
        Directions of unit length, nearest first in each layer, or where exact of all.
    """
    # Predictions are made without gradients, or in inference mode, whose tensors have none.
    with torch.inference_mode(False), torch.enable_grad():
        pixels = images.detach().clone().requires_grad_()
        activations, norms = _pre_activations(classify, layers, pixels)
        if exact:
            values = torch.cat(activations, dim=1)
            chosen = [values.gather(1, _nearest(_distances(values, pixels, scale), count))]
        else:
            chosen = []
            for number, (values, its_norms) in enumerate(zip(activations, norms, strict=True)):
                share = count // len(activations) + (number < count % len(activations))
                chosen.append(values.gather(1, _nearest(values.detach().abs() / its_norms, share)))
        distinct = torch.cat(chosen, dim=1)
        # The gradient of |a|, also where a is 0.
        signed = torch.where(distinct < 0, -distinct, distinct)

    def find(wanted: slice) -> Recall:
        with torch.inference_mode(False), torch.enable_grad():
            gradients = [_gradient(signed[:, unit], pixels) * scale for unit in range(signed.shape[1])[wanted]]
        found = _normalised(torch.stack(gradients, dim=1))
        return lambda: (found[0] * scale, found[1])

    return Source(signed.shape[1], find)


def mean_normal_length(dimension: int) -> float:
    """Return the mean length of a vector of independent N(0, 1): `sqrt(2) Gamma((n + 1) / 2) / Gamma(n / 2)`."""
    return math.sqrt(2) * math.exp(math.lgamma((dimension + 1) / 2) - math.lgamma(dimension / 2))


def _pre_activations(
    classify: Callable[[Tensor], Tensor], layers: list[nn.Linear], pixels: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """What each layer returns, [N, units], and the norms of the rows that its units have, [units]."""
    activations, norms = [], []

    def keep(layer: nn.Linear, _inputs: object, output: Tensor) -> None:
        # An activation function may overwrite it; of sequences each place has its units.
        activations.append(output.clone().flatten(1))
        places = activations[-1].shape[1] // len(layer.weight)
        norms.append(torch.linalg.vector_norm(layer.weight.detach(), dim=1).repeat(places))

    handles = [layer.register_forward_hook(keep) for layer in layers]
    try:
        classify(pixels)
    finally:
        for handle in handles:
            handle.remove()
    return activations, norms


def _gradient(values: Tensor, pixels: Tensor) -> Tensor:
    """The gradient of each image's value by that image."""
    return torch.autograd.grad(values.sum(), pixels, retain_graph=True)[0]


def _distances(values: Tensor, pixels: Tensor, scale: Tensor) -> Tensor:
    """How far the hyperplane of each unit is from each image, in the unit of length: [N, units]."""
    norms = [
        torch.linalg.vector_norm(_gradient(values[:, unit], pixels) * scale, dim=(1, 2, 3))
        for unit in range(values.shape[1])
    ]
    return values.detach().abs() / torch.stack(norms, dim=1)


def _nearest(distances: Tensor, count: int) -> Tensor:
    """The units of the smallest distances, [N, at most count]; those without a hyperplane come last."""
    known = distances.nan_to_num(nan=torch.inf)
    return known.argsort(dim=1, stable=True)[:, :count]


def _normalised(gradients: Tensor) -> Offsets:
    """Gradients [N, K, C, H, W] divided by their lengths, and whether they have one."""
    # The squares of small gradients would underflow, so the largest entry is brought to one first.
    largest = gradients.abs().amax(dim=(2, 3, 4), keepdim=True)
    exists = largest > 0
    gradients = gradients / torch.where(exists, largest, 1)
    lengths = torch.linalg.vector_norm(gradients, dim=(2, 3, 4), keepdim=True)
    return gradients / torch.where(exists, lengths, 1), exists.flatten(1).to(gradients.dtype)
