"""A Gaussian filter of functions that are known at scattered points, in all directions at once.

Xu, Zhang, Luo, Xiao, Ma, 2019, arXiv 1901.06523, section 3.3: `y_low_i = sum_j y_j G(x_i - x_j) / sum_j G(x_i - x_j)`
with `G(d) = exp(-|d|^2 / (2 delta))` has the low frequencies of y, and `y_high = y - y_low` the high ones. delta is a
variance. Where it goes to 0 the filter leaves y as it is, and where it goes to infinity the mean of y.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

_COLUMNS = 2048  # points whose distances are held at once, of as many others


def low_pass(points: Tensor, values: Tensor, rows: slice, deltas: Sequence[float], unit: float = 1.0) -> Tensor:
    """Return the low frequencies of functions at some of the points that they are known at.

    All is in float64, in which products of stored grey levels are exact.

    Args:
        points: n x d, of any real type, as uint8.
        values: of m functions at the points, float64, n x m, on the same device.
        rows: at which points the result is wanted, R of them.
        deltas: D variances of the filter, above 0, in squares of the unit of length.
        unit: what a distance between points is multiplied by to be in that unit.

    Returns:
        float64, D x R x m.
    """
    shown = points[rows].double()
    squares = shown.square().sum(dim=1)
    sums = values.new_zeros(len(deltas), len(shown), values.shape[1])
    weights = values.new_zeros(len(deltas), len(shown), 1)
    for start in range(0, len(points), _COLUMNS):
        others = points[start : start + _COLUMNS].double()
        distances = squares[:, None] + others.square().sum(dim=1) - 2 * shown @ others.T
        # Rounding alone makes the distance of a point from itself less than 0.
        distances = distances.clamp_(min=0).mul_(unit**2)
        for number, delta in enumerate(deltas):
            kernel = torch.exp(distances / (-2 * delta))
            sums[number] += kernel @ values[start : start + _COLUMNS]
            weights[number] += kernel.sum(dim=1, keepdim=True)
    return sums / weights
