"""Small ReLU networks, and the linear regions that the zero sets of their pre-activations divide the input into.

Montufar, Pascanu, Cho, Bengio, On the Number of Linear Regions of Deep Neural Networks, NeurIPS 2014. Imports no torch.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class ReluNet(NamedTuple):
    """A fully connected network of ReLU layers.

    Attributes:
        weights: of each layer, outputs x inputs.
        biases: of each layer, outputs.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]


def random_relu_net(inputs: int, widths: Sequence[int], seed: int) -> ReluNet:
    """Draw a network: weights of N(0, 2 / inputs of the layer), as He et al. (ICCV 2015), biases of N(0, 1/4).

    Args:
        inputs: of the network.
        widths: units of each layer.
        seed: of all draws.
    """
    generator = np.random.default_rng(seed)
    sizes = [inputs, *widths]
    weights = tuple(
        generator.normal(0, np.sqrt(2 / before), (after, before)) for before, after in itertools.pairwise(sizes)
    )
    return ReluNet(weights, tuple(generator.normal(0, 0.5, width) for width in widths))


def pre_activations(net: ReluNet, points: ArrayLike) -> list[np.ndarray]:
    """Return the pre-activations of each layer, N x units.

    Args:
        net: the network.
        points: N x inputs.
    """
    found, values = [], np.asarray(points, np.float64)
    for weights, biases in zip(net.weights, net.biases, strict=True):
        found.append(values @ weights.T + biases)
        values = np.maximum(found[-1], 0)
    return found


def segment_crossings(net: ReluNet, start: ArrayLike, end: ArrayLike) -> list[np.ndarray]:
    """Return where a segment crosses the zero sets of each layer, exactly.

    Along it a layer's pre-activations are linear between the crossings of the layers before, where one is 0 at most
    once. A unit whose activation sign differs at the two ends is crossed an odd number of times.

    Args:
        net: the network.
        start: the segment's start, one value per input.
        end: its end, likewise.

    Returns:
        For each layer the shares of the way from start to end, in (0, 1) and ascending, one for each unit and crossing.
    """
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    stops, found = np.array([0.0, 1.0]), []
    for layer in range(len(net.weights)):
        values = pre_activations(net, start + stops[:, None] * (end - start))[layer]
        before, after = values[:-1], values[1:]
        piece, unit = np.nonzero((before > 0) != (after > 0))
        share = before[piece, unit] / (before[piece, unit] - after[piece, unit])
        found.append(np.sort(stops[piece] + share * (stops[piece + 1] - stops[piece])))
        stops = np.union1d(stops, found[-1])
    return found


def changed_signs(net: ReluNet, start: ArrayLike, end: ArrayLike) -> list[int]:
    """Return how many units of each layer are active at one of two points alone.

    Args:
        net: the network.
        start: one value per input.
        end: likewise.
    """
    return [int(((layer[0] > 0) != (layer[1] > 0)).sum()) for layer in pre_activations(net, np.stack([start, end]))]
