"""Directions in which an averaged classifier looks around an image.

Lin, K. A., Jiang, Bandlimiting Neural Networks Against Adversarial Attacks, 2019, arXiv 1905.12797, and its released
code. All lengths are in a unit of the caller's, which `scale` converts to pixels: of an offset v the image is changed
by `scale * v`.
"""

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from filterfreq.models.averaging.units import check_units, shares_of_layers
from filterfreq.models.stochastic import draw_normal
from filterfreq.runtime.errors import naming

Offsets = tuple[Tensor, Tensor]
"""Changes of images in pixels for each unit of length, N x K x C x H x W; and 1.0, or 0.0 where none is, N x K."""


class Source(NamedTuple):
    """Directions of a batch of images.

    Attributes:
        count: how many each image has.
        find: returns some of them, the same ones whenever it is called; nothing of them is kept.
        chosen: the units that they lead across, int64, N x K; None of directions that are drawn.
    """

    count: int
    find: Callable[[slice], Offsets]
    chosen: Tensor | None = None


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

    return Source(seeds.shape[1], draw)


def unit_directions(
    classify: Callable[[Tensor], Tensor],
    layers: list[nn.Linear],
    images: Tensor,
    count: int,
    scale: Tensor,
    exact: bool,
    chosen: Tensor | None = None,
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
        count: how many directions to take; where not exact, the layers share them, see
            `filterfreq.models.averaging.units.shares_of_layers`.
        scale: pixels in a unit of length, 1 x C x 1 x 1.
        exact: see above.
        chosen: the units of a source of the same images, whose directions are found again; unless given, the nearest.

    Returns:
        Directions of unit length, nearest first in each layer, or where exact of all. They hold the graph of one
        forward pass.

    Raises:
        InputError: the layers have fewer units, or there is none.
    """
    # Predictions are made without gradients, or in inference mode, whose tensors have none.
    with torch.inference_mode(False), torch.enable_grad():
        pixels = images.detach().clone().requires_grad_()
        activations, norms = _pre_activations(classify, layers, pixels)
        units = [one.shape[1] for one in activations]
        with naming("post_averaging"):
            check_units("exact" if exact else "approx", count, units)
        values = torch.cat(activations, dim=1)
        if chosen is None and exact:
            chosen = _nearest(_distances(values, pixels, scale), count)
        elif chosen is None:
            distances = (values.detach().abs() / torch.cat(norms)).split(units, dim=1)
            shares = shares_of_layers(count, units)
            firsts = itertools.accumulate(units, initial=0)
            nearest = (first + _nearest(*found) for first, *found in zip(firsts, distances, shares, strict=False))
            chosen = torch.cat([*nearest], dim=1)
        distinct = values.gather(1, chosen)
        # The gradient of |a|, also where a is 0.
        signed = torch.where(distinct < 0, -distinct, distinct)

    def find(wanted: slice) -> Offsets:
        with torch.inference_mode(False), torch.enable_grad():
            gradients = [_gradient(signed[:, unit], pixels) * scale for unit in range(signed.shape[1])[wanted]]
        directions, counts = _normalised(torch.stack(gradients, dim=1))
        return directions * scale, counts

    return Source(count, find, chosen)


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
    """The units of the smallest distances, [N, count]; those without a hyperplane come last."""
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
