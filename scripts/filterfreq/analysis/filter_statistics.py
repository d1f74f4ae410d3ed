"""What 3x3 filters are like over whole models and by depth: from what the suite `filter_quality` measured.

Gavrikov, Keuper, Adversarial Robustness through the Lens of Convolutional Filters, CVPR workshops 2022, as its released
notebooks compute it. A filter is a row of nine numbers, row-major. *Scaled* is one divided by its own largest absolute
value, *clean* one whose largest absolute value is more than a hundredth of the layer's. Imports no torch.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from filterfreq.evaluation.columns import RUN_COLUMNS

POSITIONS = 9
"""The numbers of a filter."""
WHOLE_MODEL = "all"
"""What stands in the column `depth_bin` of a whole model."""
_EDGES = np.arange(11) / 10
DEPTH_BINS: tuple[str, ...] = (
    "0",
    *(f"({low:.1f}, {high:.1f}]" for low, high in itertools.pairwise(_EDGES)),
)
"""The first convolution, then right-closed tenths of the normed depth."""
WEIGHTS_OF_LAYERS: dict[str, str] = {
    "sparsity": "num_filters",
    "sparsity_strict": "num_filters",
    "variance_entropy": "num_clean",
    "variance_entropy_ratio": "num_filters",
    "variance_entropy_unscaled": "num_filters",
    "orthogonality": "out_channels",
}
"""By what layers are weighted in the mean of each metric."""
HISTOGRAM_BINS = 70
"""Into how many bins the coefficients of each component are counted."""

_COUNTS = ("num_filters", "num_sparse", "num_clean")
_LAYER = ("layer", "index", "conv_depth", "conv_depth_norm")
_MEASURED = [*RUN_COLUMNS, "batch_norm", *_LAYER]
_EMPTY_BIN = float(np.finfo(np.float32).eps)
_UPPER = np.triu_indices(POSITIONS)


class Moments(NamedTuple):
    """The count, sum and second moment of filters; those of several groups add up.

    Attributes:
        count: how many filters there are.
        total: their sum, float64, 9.
        second: the sum of their outer products, float64, 9 x 9.
    """

    count: float
    total: np.ndarray
    second: np.ndarray


class Basis(NamedTuple):
    """The principal components of filters.

    Attributes:
        mean: of the filters, 9.
        components: orthonormal rows, 9 x 9, by falling variance; of each the entry of the largest magnitude is
            positive.
        variances: of the coefficients of each, with n - 1, 9.
        ratios: the same as shares of their sum, 9.
    """

    mean: np.ndarray
    components: np.ndarray
    variances: np.ndarray
    ratios: np.ndarray


class Shift(NamedTuple):
    """How far two groups of filters differ.

    Attributes:
        per_component: the symmetric Kullback-Leibler divergence of the coefficients of each component, 9, in nats.
        weighted: their mean, weighted by the ratios of the explained variance.
    """

    per_component: np.ndarray
    weighted: float


def depth_bins(conv_depth: Sequence[int], conv_depth_norm: Sequence[float]) -> np.ndarray:
    """Return the bin of `DEPTH_BINS` of each layer.

    Args:
        conv_depth: the index of each layer's depth among the depths with a convolution.
        conv_depth_norm: the same divided by the last one, in [0, 1].
    """
    # k / n and its edge i / 10 are the same float where they are the same number.
    tenths = np.searchsorted(_EDGES, np.asarray(conv_depth_norm, dtype=float), side="left")
    return np.array(DEPTH_BINS)[np.where(np.asarray(conv_depth, dtype=np.int64) == 0, 0, tenths)]


def layer_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return the metrics of each layer side by side.

    Args:
        results: rows of the suite `filter_quality`, with a column for each parameter.

    Returns:
        A row for each run, way of treating batch norm (`batch_norm`) and layer, with a column for each metric that has
        one value a layer, NaN where it is undefined, and `depth_bin`.
    """
    wanted = [*_COUNTS, "in_channels", "out_channels", "layer_norm", *WEIGHTS_OF_LAYERS]
    rows = results[results["metric"].isin(wanted)]
    table = rows.set_index([*_MEASURED, "metric"])["value"].unstack("metric")  # noqa: PD010
    table = table.reindex(columns=wanted).reset_index().rename_axis(columns=None)
    return table.assign(depth_bin=depth_bins(table["conv_depth"], table["conv_depth_norm"]))


def aggregate_layers(layers: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Take sums of counts and weighted means of metrics over groups of layers.

    A layer that has no value of a metric counts neither in its sum nor in its weight; the released notebook keeps the
    weight.

    Args:
        layers: what `layer_table` returns.
        by: the columns that name a group.

    Returns:
        A row for each group: `num_layers`, `num_filters`, `num_sparse`, `num_clean`, and the metrics of
        `WEIGHTS_OF_LAYERS`, NaN where no layer has a value.
    """
    keys = [layers[name] for name in by]
    columns = {"num_layers": layers.groupby(keys, observed=True).size()}
    columns |= {name: layers[name].groupby(keys, observed=True).sum() for name in _COUNTS}
    for metric, weight in WEIGHTS_OF_LAYERS.items():
        weights = layers[weight].where(layers[metric].notna())
        weighted = (layers[metric] * weights).groupby(keys, observed=True).sum(min_count=1)
        columns[metric] = weighted / weights.groupby(keys, observed=True).sum(min_count=1)
    return pd.DataFrame(columns).astype(dict.fromkeys(("num_layers", *_COUNTS), "int64")).reset_index()


def aggregate_models(layers: pd.DataFrame) -> pd.DataFrame:
    """Return what `aggregate_layers` does, of each model: a row for the whole and one for each depth bin that it has.

    Args:
        layers: what `layer_table` returns.

    Returns:
        A row for each run, `batch_norm` and `depth_bin`, an ordered category: `WHOLE_MODEL`, then `DEPTH_BINS`.
    """
    by = [*RUN_COLUMNS, "batch_norm"]
    whole = aggregate_layers(layers, by).assign(depth_bin=WHOLE_MODEL)
    return _order_bins(pd.concat([whole, aggregate_layers(layers, [*by, "depth_bin"])], ignore_index=True))


def moments_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return the moments of the scaled clean filters of each layer, which may be summed over rows.

    Args:
        results: rows of the suite `filter_quality`, with a column for each parameter.

    Returns:
        Columns 0 (the count), 1 to 9 (the sum) and 10 to 54 (the second moment's upper triangle), in the index the run,
        `batch_norm`, the layer, and `depth_bin`. A layer without clean filters has no row.
    """
    rows = results[results["metric"].isin(["num_clean", "filter_sum", "filter_second_moment"])]
    first, second = (rows[name].fillna(0).to_numpy(np.int64) for name in ("i", "j"))
    offsets = np.zeros((POSITIONS, POSITIONS), np.int64)
    offsets[_UPPER] = np.arange(len(_UPPER[0])) + 1 + POSITIONS
    number = np.select(
        [rows["metric"] == "num_clean", rows["metric"] == "filter_sum"], [0, 1 + first], offsets[first, second]
    )
    numbered = rows.assign(number=number).set_index([*_MEASURED, "number"])["value"]
    table = numbered.unstack("number").dropna()  # noqa: PD010
    depths = (table.index.get_level_values(name) for name in ("conv_depth", "conv_depth_norm"))
    return table.assign(depth_bin=depth_bins(*depths)).set_index("depth_bin", append=True)


def pool_moments(table: pd.DataFrame, times: Sequence[float] | None = None) -> Moments:
    """Add up the moments of rows.

    Args:
        table: rows of `moments_table`, or sums of such.
        times: how often each row counts; once, unless given.
    """
    rows = table.to_numpy(dtype=float)
    sums = rows.sum(axis=0) if times is None else np.asarray(times, dtype=float) @ rows
    second = np.zeros((POSITIONS, POSITIONS))
    second[_UPPER] = sums[1 + POSITIONS :]
    return Moments(float(sums[0]), sums[1 : 1 + POSITIONS], second + np.triu(second, 1).T)


def principal_components(moments: Moments) -> Basis:
    """Return the centred principal components of filters, from their moments alone.

    Args:
        moments: of at least two filters.

    Returns:
        The basis; of filters that do not vary, variances and ratios are 0.

    Raises:
        ValueError: there are fewer than two filters.
    """
    if moments.count < 2:
        raise ValueError(f"{moments.count:g} filters have no principal components")
    mean = moments.total / moments.count
    covariance = (moments.second - np.outer(moments.total, mean)) / (moments.count - 1)
    variances, vectors = np.linalg.eigh(covariance)
    # Rounding can leave a variance that is 0 a little below it.
    variances = np.maximum(variances[::-1], 0)
    components = vectors.T[::-1]
    largest = np.abs(components).argmax(axis=1)
    components = components * np.sign(components[np.arange(POSITIONS), largest])[:, None]
    total = variances.sum()
    return Basis(mean, components, variances, variances / total if total else variances)


def dct_shares(moments: Moments) -> np.ndarray:
    """Return the share of each orthonormal DCT-II coefficient in the energy of filters, every filter counting as it is.

    Args:
        moments: of at least one filter.

    Returns:
        float64, 3 x 3: vertical frequency u x horizontal frequency v; NaN of filters that are all zero.
    """
    side = int(np.sqrt(POSITIONS))
    frequency, sample = np.indices((side, side))
    matrix = np.cos(np.pi * frequency * (sample + 0.5) / side) * np.where(frequency == 0, 1, np.sqrt(2)) / np.sqrt(side)
    basis = np.kron(matrix, matrix)
    energies = np.einsum("ki,ij,kj->k", basis, moments.second, basis)
    total = energies.sum()
    return (energies / total if total else np.full(POSITIONS, np.nan)).reshape(side, side)


def dct_share_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return the share of each orthonormal DCT-II coefficient in the energy of models' filters, whole and by depth.

    Args:
        results: rows of the suite `filter_quality`, with a column for each parameter.

    Returns:
        A row for each run, `batch_norm`, `depth_bin` (as in `aggregate_models`), `vertical` and `horizontal` frequency,
        with the shares in [0, 1]: `raw`, of all filters as they are, so that they count by their energy; and `scaled`,
        of the scaled clean filters, which count about alike.
    """
    by, frequencies = [*RUN_COLUMNS, "batch_norm"], ["vertical", "horizontal"]
    scales, counts = (
        results[results["metric"] == name].set_index(_MEASURED)["value"] for name in ("root_mean_square", "num_filters")
    )
    energies = scales**2 * counts.reindex(scales.index)
    rows = results[results["metric"] == "dct_share_raw"].set_index([*_MEASURED, *frequencies])["value"]
    raw = (rows * energies.reindex(rows.index.droplevel(frequencies)).to_numpy()).rename("raw").reset_index()
    raw = raw.assign(depth_bin=depth_bins(raw["conv_depth"], raw["conv_depth_norm"]))
    moments = moments_table(results)
    tables = []
    for keys in (by, [*by, "depth_bin"]):
        energy = raw.groupby([*keys, *frequencies], observed=True)["raw"].sum()
        shares = energy / energy.groupby(level=keys, observed=True).transform("sum")
        scaled = {
            (*(group if isinstance(group, tuple) else (group,)), u, v): share
            for group, sums in moments.groupby(level=keys, observed=True).sum().iterrows()
            for (u, v), share in np.ndenumerate(dct_shares(pool_moments(sums.to_frame().T)))
        }
        both = shares.to_frame().join(pd.Series(scaled, name="scaled").rename_axis([*keys, *frequencies]))
        tables.append(both.reset_index())
    return _order_bins(pd.concat([tables[0].assign(depth_bin=WHOLE_MODEL), tables[1]], ignore_index=True))


def project(filters: np.ndarray, basis: Basis) -> np.ndarray:
    """Return the coefficients of filters in a basis.

    Args:
        filters: scaled filters, n x 9.
        basis: the components and their mean.

    Returns:
        float64, n x 9: (filter - mean) times each component.
    """
    # Columns that are stored as rows stay so, along which numpy is fast.
    return (basis.components @ filters.T - (basis.components @ basis.mean)[:, None]).T


def count_coefficients(coefficients: np.ndarray, low: float, high: float) -> np.ndarray:
    """Count the coefficients of each component in `HISTOGRAM_BINS` equal bins of one range, the last one closed.

    Args:
        coefficients: n x 9, all within the range but for rounding.
        low: the lower end.
        high: the upper end.

    Returns:
        int64, 9 x 70.
    """
    # As np.histogram counts, but all components at once.
    bins_per_unit = HISTOGRAM_BINS / (high - low) if high > low else 0
    bins = ((coefficients.T - low) * bins_per_unit).astype(np.int64).clip(0, HISTOGRAM_BINS - 1)
    bins += HISTOGRAM_BINS * np.arange(POSITIONS)[:, None]
    return np.bincount(bins.ravel(), minlength=POSITIONS * HISTOGRAM_BINS).reshape(POSITIONS, HISTOGRAM_BINS)


def shift(one: np.ndarray, other: np.ndarray, low: float, high: float, ratios: np.ndarray) -> Shift:
    """Return how far the coefficients of two groups differ.

    A bin that is empty has the density 1.19e-07 (epsilon of float32), and densities are divided by their sum. So the
    shift grows with the number of empty bins: groups of few filters are far from all others. It also depends on the
    signs of the components, as the range is not symmetric. Compare groups of about equal size, in one basis.

    Args:
        one: counts of the first group, 9 x 70, see `count_coefficients`.
        other: counts of the second.
        low: the lower end of the range.
        high: its upper end.
        ratios: the explained variance ratios of the basis, 9.

    Returns:
        Sums over bins of p ln(p / q) + q ln(q / p), per component, and weighted; NaN where a group is empty.
    """
    p, q = (_probabilities(counts, low, high) for counts in (one, other))
    per_component = ((p - q) * np.log(p / q)).sum(axis=1)
    return Shift(per_component, float(per_component @ ratios))


def spearman(x: Sequence[float], y: Sequence[float]) -> float:
    """Return Spearman's rank correlation: that of the ranks, equal values sharing their mean rank.

    The values that the released notebook (correlation.ipynb) prints for orthogonality were made with the mean absolute
    cosine, which is 1 - orthogonality: compare them with their sign turned.

    Args:
        x: numbers.
        y: as many.

    Returns:
        A number in [-1, 1] of the pairs without NaN; NaN of fewer than three, or where one side is constant.
    """
    pairs = pd.DataFrame({"x": np.asarray(x, dtype=float), "y": np.asarray(y, dtype=float)}).dropna()
    if len(pairs) < 3 or (pairs.nunique() < 2).any():
        return float("nan")
    ranks = pairs.rank().to_numpy()
    return float(np.corrcoef(ranks.T)[0, 1])


def _order_bins(table: pd.DataFrame) -> pd.DataFrame:
    """Make `depth_bin` an ordered category, and sort rows of whole models and of bins by run and bin."""
    order = pd.CategoricalDtype([WHOLE_MODEL, *DEPTH_BINS], ordered=True)
    by = [*RUN_COLUMNS, "batch_norm", "depth_bin"]
    return table.astype({"depth_bin": order}).sort_values(by, ignore_index=True, kind="stable")


def _probabilities(counts: np.ndarray, low: float, high: float) -> np.ndarray:
    """The probability of each bin, none of them 0; 9 x 70, NaN of nothing."""
    totals = counts.sum(axis=1, keepdims=True).astype(float)
    width = (high - low) / counts.shape[1]
    densities = np.where(counts > 0, counts / (np.where(totals > 0, totals, np.nan) * width), _EMPTY_BIN)
    return np.where(totals > 0, densities / densities.sum(axis=1, keepdims=True), np.nan)
