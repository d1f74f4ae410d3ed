"""Results of the 3 x 3 filters of one model, wherever its weights come from. Imports no torch."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.evaluation.filters.metrics import SIDE, VALUES, LayerMeasures, measure_layer
from filterfreq.evaluation.results import format_parameter, fraction, prepend_parameter, quantity
from filterfreq.runtime.errors import InputError

_COUNTS = ("num_filters", "num_sparse", "num_clean", "in_channels", "out_channels")
# And how many filters, or output channels, each stands on.
_VALUES = {
    "layer_norm": "num_filters",
    "root_mean_square": "num_filters",
    "variance_entropy": "num_clean",
    "variance_entropy_unscaled": "num_filters",
    "variance_entropy_with_sparse": "num_filters",
    "variance_entropy_ratio": "num_filters",
    "orthogonality": "out_channels",
}


def filter_rows(layers: Iterable[FilterLayer], batch_norm: str) -> list[dict[str, Any]]:
    """Measure the layers of one model, one after the other.

    Args:
        layers: all 3 x 3 convolutions of the model.
        batch_norm: "separate" or "folded", what was done with the batch normalisation that follows a convolution.

    Returns:
        The rows of the suite `filter_quality`: those of each layer have its name, index and depth in their parameter.
        What is not defined for a layer has no row, see `filterfreq.evaluation.filters.metrics.LayerMeasures`. Sums and
        second moments are those of the scaled clean filters, of which positions i and j are numbered row by row.

    Raises:
        InputError: weights are not finite, all are zero, or there is one filter alone.
    """
    rows: list[dict[str, Any]] = []
    filters, norm = 0, 0.0
    for layer in layers:
        measures = measure_layer(layer)
        filters += measures.num_filters
        norm = max(norm, measures.layer_norm)
        rows += prepend_parameter(
            _layer_rows(measures),
            batch_norm=batch_norm,
            layer=layer.name,
            index=layer.index,
            conv_depth=layer.conv_depth,
            conv_depth_norm=layer.conv_depth_norm,
        )
    if filters == 1:
        raise InputError(
            "the model has one 3 x 3 filter, which differs from no other: leave this evaluation of filters out for it"
        )
    if norm == 0:
        raise InputError("all 3 x 3 filters of the model are zero: take a trained model, or train it again")
    return rows


def _layer_rows(measures: LayerMeasures) -> Iterator[dict[str, Any]]:
    """The rows of one layer."""
    filters, clean = measures.num_filters, measures.num_clean
    for name in _COUNTS:
        yield quantity(name, "", getattr(measures, name), filters)
    yield fraction("sparsity", "", measures.num_sparse, filters)
    yield fraction("sparsity_strict", "", measures.num_sparse_strict, filters)
    for name, count in _VALUES.items():
        if (value := getattr(measures, name)) is not None:
            yield quantity(name, "", value, getattr(measures, count))
    for name, shares, count in (
        ("dct_share_raw", measures.dct_share_raw, filters),
        ("dct_share_scaled", measures.dct_share_scaled, clean),
    ):
        if shares is not None:
            for vertical, horizontal in np.ndindex(SIDE, SIDE):
                parameter = format_parameter(horizontal=horizontal, vertical=vertical)
                yield quantity(name, parameter, shares[vertical, horizontal], count)
    if clean:
        sums, second_moment = measures.scaled.sum, measures.scaled.second_moment
        for i in range(VALUES):
            yield quantity("filter_sum", format_parameter(i=i), sums[i], clean)
            for j in range(i, VALUES):
                yield quantity("filter_second_moment", format_parameter(i=i, j=j), second_moment[i, j], clean)
