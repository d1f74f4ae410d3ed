"""The coefficients of the filters of many models in one basis, counted. Imports no torch.

Gavrikov, Keuper, Adversarial Robustness through the Lens of Convolutional Filters, CVPR workshops 2022 (pca.ipynb): a
coefficient is the scaled filter less the mean, times a component. The range of the histograms is that of all filters of
all models, sparse ones too; counted are the clean ones. As the range must be known before, each model is opened twice.
"""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pandas as pd

from filterfreq.analysis.filter_statistics import (
    HISTOGRAM_BINS,
    POSITIONS,
    Basis,
    count_coefficients,
    depth_bins,
    moments_table,
    pool_moments,
    principal_components,
    project,
)
from filterfreq.evaluation.columns import RUN_COLUMNS
from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.evaluation.filters.metrics import filter_blocks, layer_norm
from filterfreq.evaluation.registry import BATCH_NORMS
from filterfreq.runtime.errors import InputError

RunKey = tuple[str, str, str, int]
"""Data set, model, variant and seed."""
FilterLayers = Iterable[FilterLayer]
ReadLayers = Callable[[Iterable[str]], Iterable[tuple[str, FilterLayers]]]
"""Takes ways of treating batch norm, and yields the layers of a model for each that it has."""
Measured = TypeVar("Measured")
COUNT_COLUMNS: tuple[str, ...] = (*RUN_COLUMNS, "batch_norm", "depth_bin", "component", "bin", "count")
"""The columns of counts: only bins that have a filter have a row."""
MEAN_COLUMNS, ENTRY_COLUMNS = (
    tuple(f"{name}_{position}" for position in range(POSITIONS)) for name in ("mean", "entry")
)
BASIS_COLUMNS: tuple[str, ...] = (
    *("batch_norm", "component", "explained_variance", "explained_variance_ratio", "low", "high"),
    *(*ENTRY_COLUMNS, *MEAN_COLUMNS),
)
"""The columns of a basis: a row for each component; mean and range of the histograms stand in each row."""


def full_bases(
    results: pd.DataFrame, runs: Iterable[RunKey], batch_norms: Collection[str] = BATCH_NORMS
) -> dict[str, Basis]:
    """Return the principal components of the scaled clean filters of runs together, each run once.

    Args:
        results: rows of the suite `filter_quality`, with a column for each parameter, of at least these runs.
        runs: the runs.
        batch_norms: the ways of treating batch norm that are wanted.

    Returns:
        By the way of treating batch norm: those wanted that all runs have.

    Raises:
        InputError: the runs have no way in common, or fewer than two clean filters.
    """
    table = moments_table(results)
    wanted = set(runs)
    table = table[[key in wanted for key in zip(*map(table.index.get_level_values, RUN_COLUMNS), strict=True)]]
    found = {}
    for batch_norm, rows in table.groupby(level="batch_norm", sort=False):
        measured = set(zip(*map(rows.index.get_level_values, RUN_COLUMNS), strict=True))
        moments = pool_moments(rows)
        if batch_norm in batch_norms and measured == wanted and moments.count > 1:
            found[batch_norm] = principal_components(moments)
    if not found:
        raise InputError(
            "the models of the experiment have no two clean 3 x 3 filters that were measured in one way: give "
            "evaluation.filter_quality the same batch_norm on all its data sets"
        )
    return found


def count_models(
    models: Mapping[RunKey, ReadLayers], bases: Mapping[str, Basis], announce: Callable[[str], None], threads: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the coefficients of the filters of models in 70 bins of one range, by depth.

    As many models as threads are in memory at a time, and of each a few thousand filters in float64.

    Args:
        models: by run, what yields its layers for each of some ways of treating batch norm.
        bases: by such a way, the basis.
        announce: takes one line for the job's log.
        threads: how many models are read at once; the counts do not depend on it.

    Returns:
        The counts, with `COUNT_COLUMNS`, and the bases, with `BASIS_COLUMNS`.
    """

    def measure_each(name: str, measure: Callable[[FilterLayers, str], Measured]) -> Iterator[dict[str, Measured]]:
        """What is measured of each model, by the way of treating batch norm."""

        def measure_ways(read_layers: ReadLayers) -> dict[str, Measured]:
            return {batch_norm: measure(layers, batch_norm) for batch_norm, layers in read_layers(bases)}

        with ThreadPoolExecutor(threads) as workers:
            measured = workers.map(measure_ways, models.values())
            for number, (run, ways) in enumerate(zip(models, measured, strict=True), 1):
                announce(f"{name} {number}/{len(models)}  {'/'.join(map(str, run))}")
                yield ways

    ends = [*measure_each("range ", lambda layers, batch_norm: coefficient_range(layers, bases[batch_norm]))]
    ranges = {
        batch_norm: (
            min(ways[batch_norm][0] for ways in ends if batch_norm in ways),
            max(ways[batch_norm][1] for ways in ends if batch_norm in ways),
        )
        for batch_norm in bases
    }
    counts: dict[str, list[pd.DataFrame]] = {batch_norm: [] for batch_norm in bases}
    found = measure_each(
        "counts", lambda layers, batch_norm: count_by_depth(layers, bases[batch_norm], *ranges[batch_norm])
    )
    for run, ways in zip(models, found, strict=True):
        for batch_norm, by_depth in ways.items():
            counts[batch_norm] += [_count_table(run, batch_norm, depth, of_bin) for depth, of_bin in by_depth.items()]
    components = [_basis_table(batch_norm, basis, *ranges[batch_norm]) for batch_norm, basis in bases.items()]
    return pd.concat(itertools.chain(*counts.values()), ignore_index=True), pd.concat(components, ignore_index=True)


def coefficient_range(layers: Iterable[FilterLayer], basis: Basis) -> tuple[float, float]:
    """Return the smallest and the largest coefficient of all filters of layers, sparse ones too."""
    low, high = np.inf, -np.inf
    for layer in layers:
        for block in filter_blocks(layer, layer_norm(layer)):
            coefficients = project(block.scaled.T, basis)
            low, high = min(low, coefficients.min()), max(high, coefficients.max())
    return float(low), float(high)


def count_by_depth(layers: Iterable[FilterLayer], basis: Basis, low: float, high: float) -> dict[str, np.ndarray]:
    """Return the counts of the coefficients of the clean filters, int64, 9 x 70, of each depth bin that has a layer."""
    counts: dict[str, np.ndarray] = {}
    for layer in layers:
        [depth_bin] = depth_bins([layer.conv_depth], [layer.conv_depth_norm])
        found = counts.setdefault(str(depth_bin), np.zeros((POSITIONS, HISTOGRAM_BINS), np.int64))
        for block in filter_blocks(layer, layer_norm(layer)):
            found += count_coefficients(project(block.scaled.compress(block.is_clean, axis=1).T, basis), low, high)
    return counts


def _count_table(run: RunKey, batch_norm: str, depth_bin: str, counts: np.ndarray) -> pd.DataFrame:
    component, number = np.nonzero(counts)
    keys = dict(zip(RUN_COLUMNS, run, strict=True)) | {"batch_norm": batch_norm, "depth_bin": depth_bin}
    table = pd.DataFrame({"component": component, "bin": number, "count": counts[component, number]})
    return table.assign(**keys)[list(COUNT_COLUMNS)]


def _basis_table(batch_norm: str, basis: Basis, low: float, high: float) -> pd.DataFrame:
    table = pd.DataFrame(basis.components, columns=list(ENTRY_COLUMNS)).assign(
        batch_norm=batch_norm,
        component=range(POSITIONS),
        explained_variance=basis.variances,
        explained_variance_ratio=basis.ratios,
        low=low,
        high=high,
        **dict(zip(MEAN_COLUMNS, basis.mean, strict=True)),
    )
    return table[list(BASIS_COLUMNS)]
