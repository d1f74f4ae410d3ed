"""Measures of the 3 x 3 filters of a layer. Imports no torch.

From *Adversarial Robustness through the Lens of Convolutional Filters* (Gavrikov and Keuper, CVPR workshops 2022; its
released notebooks), and under names of their own those of its parent work, *CNN Filter DB* (Gavrikov and Keuper, CVPR
2022). Everything is computed in float64.

A filter divided by its own largest absolute value is called scaled; a filter of zeros stays as it is. A filter is
sparse where its largest absolute value is at most 1/100 of the layer's, and clean where it is not. The 9 values of a
filter are in the order of its rows.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.fft import dct

from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.runtime.errors import InputError

SIDE = 3
VALUES = SIDE * SIDE
_SPARSE = 100  # the layer's largest absolute value / the largest one of a sparse filter
_FILTERS = range(1024, 4097)  # that are converted at once, so that they stay in the processor's cache
_COLUMNS = range(256, 4097)  # of the weights of channels, likewise
_CHANNELS = 1024  # whose cosines are computed at once
_ROUNDING = 8  # in units of the last digit of the weights
# Of each of 9 coefficients, that of the vertical and of the horizontal frequency, its row of 9 values.
_DCT = np.kron(*[dct(np.eye(SIDE), axis=0, norm="ortho")] * 2)


@dataclass(frozen=True)
class Moments:
    """Count, mean and spread of filters.

    Parts are joined by their means (Chan, Golub and LeVeque, 1979), so that nothing cancels where the filters differ
    little from each other.

    Attributes:
        count: the number of filters.
        mean: float64 [9], zeros where there are none.
        scatter: float64 [9, 9], the sum over the filters of the outer product of filter - mean with itself.
    """

    count: int
    mean: np.ndarray
    scatter: np.ndarray

    def __add__(self, other: "Moments") -> "Moments":
        """Return those of the filters of both."""
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        shift = other.mean - self.mean
        scatter = self.scatter + other.scatter + shift[:, None] * shift * (self.count * other.count / count)
        return Moments(count, self.mean + shift * (other.count / count), scatter)

    @property
    def sum(self) -> np.ndarray:
        """The sum of the filters, float64 [9]."""
        return self.count * self.mean

    @property
    def second_moment(self) -> np.ndarray:
        """The sum over the filters of the outer product of each with itself, float64 [9, 9]."""
        return self.scatter + self.count * np.outer(self.mean, self.mean)


_NO_MOMENTS = Moments(0, np.zeros(VALUES), np.zeros((VALUES, VALUES)))


def column_moments(filters: np.ndarray) -> Moments:
    """Return the moments of filters that are columns: float64 [9, n], which are centred in place."""
    count = filters.shape[1]
    if not count:
        return _NO_MOMENTS
    mean = filters.sum(axis=1) / count
    filters -= mean[:, None]
    # Of an array with itself BLAS takes another function, which is half as fast for 9 rows.
    return Moments(count, mean, filters @ filters.copy().T)


class FilterBlock(NamedTuple):
    """Some filters of a layer, as columns: numpy is fast along long rows.

    Attributes:
        filters: as they are, float64 [9, n].
        scaled: the same, scaled.
        is_clean: which of them are clean, [n].
        is_strictly_sparse: whose largest absolute value is below 1/100 of the layer's, [n].
    """

    filters: np.ndarray
    scaled: np.ndarray
    is_clean: np.ndarray
    is_strictly_sparse: np.ndarray


@dataclass(frozen=True)
class LayerMeasures:
    """What is measured of a layer. What is not defined for its filters is None.

    Attributes:
        in_channels, out_channels: of the weights; the input channels of one group.
        num_filters: out_channels x in_channels.
        num_sparse, num_clean: how many of them are sparse, and how many are not; all are where all weights are 0.
        num_sparse_strict: how many have their largest absolute value below 1/100 of the layer's, which is when the
            parent work calls them sparse; none where all weights are 0.
        layer_norm: the largest absolute weight.
        root_mean_square: of the weights.
        variance_entropy: how evenly the variance of the scaled clean filters is spread over its principal axes: of
            their shares p of the variance, -sum p log10 p, in [0, log10 9]. None of fewer than two filters, and of
            filters that differ by no more than their rounding.
        variance_entropy_unscaled: that of all filters as they are, as in the parent work.
        variance_entropy_with_sparse: that of all scaled filters.
        variance_entropy_ratio: variance_entropy_unscaled / `random_threshold` of num_filters. 1 and more is as diverse
            as random filters, 0 one pattern repeated (Gavrikov and Keuper, arXiv 2301.11360). None of fewer than three
            filters, for which the threshold is not positive.
        orthogonality: 1 - the mean of |cosine| between the weights of two output channels, in [0, 1]. A channel of
            zeros has the cosine 0 with others, and adds one 1 to the sum, as in the released code. None of one channel.
        dct_share_raw: share of the squared coefficients of the orthonormal DCT-II, [3, 3]: of the vertical frequency
            (rows) and of the horizontal one (columns), of the filters as they are; None where all weights are 0.
        dct_share_scaled: that of the scaled clean filters; None where there are none.
        scaled: of the scaled clean filters.
        scaled_with_sparse: of all scaled filters.
    """

    in_channels: int
    out_channels: int
    num_filters: int
    num_sparse: int
    num_clean: int
    num_sparse_strict: int
    layer_norm: float
    root_mean_square: float
    variance_entropy: float | None
    variance_entropy_unscaled: float | None
    variance_entropy_with_sparse: float | None
    variance_entropy_ratio: float | None
    orthogonality: float | None
    dct_share_raw: np.ndarray | None
    dct_share_scaled: np.ndarray | None
    scaled: Moments
    scaled_with_sparse: Moments

    @property
    def sparsity(self) -> float:
        """The share of the filters that are sparse, in [0, 1]."""
        return self.num_sparse / self.num_filters

    @property
    def sparsity_strict(self) -> float:
        """The share of the filters that the parent work calls sparse, in [0, 1]."""
        return self.num_sparse_strict / self.num_filters


def measure_layer(layer: FilterLayer) -> LayerMeasures:
    """Measure the filters of one layer.

    Beside the weights this needs about as much memory as they take in float64.

    Raises:
        InputError: the weights are not finite.
    """
    out_channels, in_channels = layer.weights.shape[:2]
    filters = layer.weights.reshape(-1, VALUES)
    norm = layer_norm(layer)
    if not math.isfinite(norm):
        raise InputError(f"the weights of layer {layer.name} are not finite: take a model whose training did not fail")
    raw, clean, sparse, num_sparse_strict = _moments(layer, norm)
    scaled_with_sparse = clean + sparse
    rounding = _ROUNDING * float(np.finfo(filters.dtype).eps)
    unscaled = _entropy(raw, rounding)
    threshold = random_threshold(len(filters))
    return LayerMeasures(
        in_channels=in_channels,
        out_channels=out_channels,
        num_filters=len(filters),
        num_sparse=sparse.count,
        num_clean=clean.count,
        num_sparse_strict=num_sparse_strict,
        layer_norm=norm,
        root_mean_square=norm * math.sqrt(float(np.trace(raw.second_moment)) / filters.size),
        variance_entropy=_entropy(clean, rounding),
        variance_entropy_unscaled=unscaled,
        variance_entropy_with_sparse=_entropy(scaled_with_sparse, rounding),
        variance_entropy_ratio=unscaled / threshold if unscaled is not None and threshold > 0 else None,
        orthogonality=_orthogonality(filters.reshape(out_channels, -1)),
        dct_share_raw=_dct_shares(raw),
        dct_share_scaled=_dct_shares(clean),
        scaled=clean,
        scaled_with_sparse=scaled_with_sparse,
    )


def random_threshold(num_filters: int) -> float:
    """Return the variance entropy from which that many filters count as random, as the parent work fitted it.

    Gavrikov and Keuper, CVPR 2022, as in the released torchconvquality 0.3.0. It is below 0 for one or two filters.
    """
    height, centre, steepness, base = 1.2618047, 2.30436435, 0.88767525, -0.31050834
    return height / (1 + math.exp(-steepness * (math.log2(num_filters) - centre))) + base


def layer_norm(layer: FilterLayer) -> float:
    """Return the largest absolute weight of a layer."""
    return float(max(layer.weights.max(), -layer.weights.min()))


def filter_blocks(layer: FilterLayer, norm: float) -> Iterator[FilterBlock]:
    """Yield all filters of a layer whose `layer_norm` is given, some thousand at a time."""
    filters = layer.weights.reshape(-1, VALUES)
    for rows in _blocks(len(filters), _FILTERS):
        stored = np.ascontiguousarray(filters[rows].T)
        peaks = _peaks(stored, axis=0)
        converted = stored.astype(np.float64)
        scaled = converted / np.where(peaks == 0, 1, peaks)
        yield FilterBlock(converted, scaled, peaks > norm / _SPARSE, peaks < norm / _SPARSE)


def _moments(layer: FilterLayer, norm: float) -> tuple[Moments, Moments, Moments, int]:
    """The moments of the filters / the layer's norm, of the scaled clean and of the scaled sparse ones.

    And how many filters are strictly sparse.
    """
    raw = clean = sparse = _NO_MOMENTS
    num_sparse_strict = 0
    for block in filter_blocks(layer, norm):
        if block.is_clean.all():
            clean += column_moments(block.scaled)
        else:
            num_sparse_strict += int(np.count_nonzero(block.is_strictly_sparse))
            clean += column_moments(block.scaled.compress(block.is_clean, axis=1))
            sparse += column_moments(block.scaled.compress(~block.is_clean, axis=1))
        raw += column_moments(block.filters / (norm or 1))
    return raw, clean, sparse, num_sparse_strict


def _peaks(values: np.ndarray, axis: int) -> np.ndarray:
    """The largest absolute values along an axis, in float64."""
    return np.maximum(values.max(axis), -values.min(axis)).astype(np.float64)


def _blocks(count: int, sizes: range) -> Iterator[slice]:
    """Blocks of an eighth of a layer, so that small models need little memory, within the range of sizes."""
    size = min(max(count // 8, sizes[0]), sizes[-1])
    return (slice(start, start + size) for start in range(0, count, size))


def _entropy(moments: Moments, rounding: float) -> float | None:
    """The entropy of the variance's shares; None where an entry varies by no more than `rounding`, of values near 1."""
    variances = np.linalg.eigvalsh(moments.scatter)
    variances = variances[variances > 0]  # of rounding, one may be below
    total = variances.sum()
    if total <= moments.count * VALUES * rounding**2:
        return None
    return float((variances / total * np.log10(total / variances)).sum())


def _orthogonality(channels: np.ndarray) -> float | None:
    """1 - the mean |cosine| between channels [O, values]."""
    count = len(channels)
    if count == 1:
        return None
    # Squares in float64 are numbers for all values of float32; those of float64 are scaled first.
    divisors = None
    if channels.dtype == np.float64:
        peaks = _peaks(channels, axis=1)
        divisors = np.where(peaks == 0, 1, peaks)[:, None]
    total, reciprocals = 0.0, np.empty(count)
    for start in range(0, count, _CHANNELS):
        products, others = 0.0, 0.0
        for block in _blocks(channels.shape[1], _COLUMNS):
            values = channels[: start + _CHANNELS, block].astype(np.float64)
            if divisors is not None:
                values /= divisors[: start + _CHANNELS]
            before, rows = values[:start], values[start:]
            products += rows @ rows.T  # numpy computes half of it, which is symmetric
            others += rows @ before.T
        squares = products.diagonal()
        total += np.count_nonzero(squares == 0)
        here = reciprocals[start : start + _CHANNELS]
        here[:] = 1 / np.sqrt(np.where(squares == 0, np.inf, squares))
        np.fill_diagonal(products, 0)
        total += here @ np.abs(products) @ here + 2 * (here @ np.abs(others) @ reciprocals[:start])
    return float(1 - total / (count * (count - 1)))


def _dct_shares(moments: Moments) -> np.ndarray | None:
    """The share of each DCT-II coefficient in the energy, [vertical, horizontal]; None where there is no energy."""
    energy = (_DCT @ moments.scatter * _DCT).sum(axis=1) + moments.count * (_DCT @ moments.mean) ** 2
    total = energy.sum()
    return (energy / total).clip(min=0).reshape(SIDE, SIDE) if total > 0 else None
