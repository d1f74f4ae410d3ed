"""One 3 x 3 convolution of a model, wherever its weights come from. Imports no torch."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FilterLayer:
    """The filters of one 3 x 3 convolution, and where it lies in the network.

    Attributes:
        name: the layer's name.
        index: its number among the layers that are kept, from 0, in the order in which they were found. It says nothing
            of the depth.
        conv_depth: the number of its depth among the depths of the graph that have a 2-D convolution of any kernel
            size, from 0. A layer's depth in the graph is the longest path from the input; layers side by side share it.
        conv_depth_norm: conv_depth / (number of such depths - 1), in [0, 1]; 0 where there is one.
        weights: floating point, [O, I, 3, 3]; I is the number of input channels of one group.
    """

    name: str
    index: int
    conv_depth: int
    conv_depth_norm: float
    weights: np.ndarray
