"""Statistics of filters against golden values of one checkpoint, whose rows are computed here with plain numpy."""

import json

import numpy as np
import pandas as pd
import pytest
from oracles.filter_rows import CHECKPOINT, GOLDEN, checkpoint_weights, rows_of_layer, scaled_filters
from scipy.fft import dctn
from scipy.stats import spearmanr

from filterfreq.analysis.filter_statistics import (
    DEPTH_BINS,
    Basis,
    Moments,
    aggregate_layers,
    aggregate_models,
    count_coefficients,
    dct_share_table,
    dct_shares,
    depth_bins,
    layer_table,
    moments_table,
    pool_moments,
    principal_components,
    project,
    shift,
    spearman,
)


@pytest.fixture(scope="module")
def golden() -> dict:
    if not GOLDEN.exists():
        pytest.skip("needs the golden values in ../shared")
    return json.loads(GOLDEN.read_text())


@pytest.fixture(scope="module")
def weights() -> list[np.ndarray]:
    if not CHECKPOINT.exists():
        pytest.skip("needs the checkpoints in ../shared")
    return checkpoint_weights()


@pytest.fixture(scope="module")
def results(weights) -> pd.DataFrame:
    rows = [row for index, weight in enumerate(weights) for row in rows_of_layer(weight, index, len(weights))]
    return (
        pd.DataFrame(rows)
        .assign(suite="filter_quality")
        .astype(dict.fromkeys(("i", "j", "vertical", "horizontal"), "Int64"))
    )


def exactly(value: object) -> object:
    return pytest.approx(value, abs=1e-9, rel=1e-9)


def test_the_whole_model_has_the_golden_values(golden, results):
    [model] = aggregate_layers(layer_table(results), ["model"]).to_dict("records")
    for name, value in golden["model"].items():
        assert model[name] == exactly(value), name


def test_each_depth_bin_has_the_golden_values(golden, results):
    by_depth = aggregate_models(layer_table(results)).set_index("depth_bin")
    assert list(by_depth.index) == ["all", *DEPTH_BINS]
    for expected in golden["depth"]:
        found = by_depth.loc[expected.pop("bin")]
        for name, value in expected.items():
            assert found[name] == exactly(value), name


def test_tenths_are_closed_on_the_right(golden):
    """The published models have up to 106 depths; of each bin the deepest is published."""
    depths = np.arange(106)
    bins = pd.Series(depths).groupby(depth_bins(depths, depths / 105)).max()
    assert [bins[name] for name in DEPTH_BINS[1:]] == golden["published"]["max_conv_depth_by_decile"]
    assert bins["0"] == 0


@pytest.mark.parametrize("last", [10, 20, 30, 70, 100, 150])
def test_a_depth_on_an_edge_is_in_the_lower_bin(last):
    edges = [number * last // 10 for number in range(1, 11)]
    assert list(depth_bins(edges, [edge / last for edge in edges])) == list(DEPTH_BINS[1:])


def test_an_undefined_value_counts_neither_in_the_sum_nor_in_the_weight():
    layers = pd.DataFrame(
        {
            **{"model": "net", "num_filters": [4, 6], "num_sparse": [4, 0], "num_clean": [0, 6]},
            **{"out_channels": [1, 3], "sparsity": [1.0, 0.0], "sparsity_strict": [1.0, 0.0]},
            **{"variance_entropy": [np.nan, 0.5], "variance_entropy_ratio": np.nan},
            **{"variance_entropy_unscaled": [0.1, 0.6], "orthogonality": [np.nan, 0.75]},
        }
    )
    [model] = aggregate_layers(layers, ["model"]).to_dict("records")
    assert (model["sparsity"], model["variance_entropy"], model["orthogonality"]) == (0.4, 0.5, 0.75)
    assert model["variance_entropy_unscaled"] == pytest.approx(0.4)
    assert np.isnan(model["variance_entropy_ratio"])


def check_basis(found: Basis, expected: dict) -> None:
    assert found.mean == exactly(expected["mean"])
    assert found.components == exactly(np.array(expected["components"]))
    assert found.variances == exactly(expected["explained_variance"])
    assert found.ratios == exactly(expected["explained_variance_ratio"])


def test_principal_components_are_the_golden_ones_with_their_signs(golden, results):
    moments = pool_moments(moments_table(results))
    assert moments.count == golden["pca"]["n_samples"]
    check_basis(principal_components(moments), golden["pca"])


def test_principal_components_with_sparse_filters_are_the_golden_ones(golden, weights):
    every = np.concatenate([scaled_filters(weight)[0] for weight in weights])
    moments = Moments(len(every), every.sum(axis=0), every.T @ every)
    assert moments.count == golden["pca_with_sparse"]["n_samples"]
    check_basis(principal_components(moments), golden["pca_with_sparse"])


def test_filters_without_variance_have_no_ratios_and_one_filter_has_no_components():
    same = np.ones((5, 9))
    basis = principal_components(Moments(5, same.sum(axis=0), same.T @ same))
    assert basis.ratios == pytest.approx(np.zeros(9))
    with pytest.raises(ValueError, match="1 filters have no principal components"):
        principal_components(Moments(1, np.ones(9), np.ones((9, 9))))


def test_moments_of_a_row_count_as_often_as_is_said(results):
    table = moments_table(results)
    twice = pool_moments(table, [2] + [1] * (len(table) - 1))
    once, first = pool_moments(table), pool_moments(table[:1])
    assert twice.count == once.count + first.count
    assert twice.second == pytest.approx(once.second + first.second)
    assert set(table.index.get_level_values("depth_bin")) == set(DEPTH_BINS)


def test_dct_shares_are_the_golden_ones_of_scaled_clean_filters(golden, results):
    assert dct_shares(pool_moments(moments_table(results))) == exactly(
        np.array(golden["dct_energy_share"]["scaled_clean"])
    )


def test_dct_shares_of_models_have_both_weightings_and_of_depths_too(golden, results, weights):
    table = dct_share_table(results).set_index(["depth_bin", "vertical", "horizontal"])
    assert list(dict.fromkeys(table.index.get_level_values(0))) == ["all", *DEPTH_BINS]
    for column, name in (("raw", "raw"), ("scaled", "scaled_clean")):
        shares = np.array(golden["dct_energy_share"][name])
        assert table.loc["all", column].to_numpy().reshape(3, 3) == exactly(shares)
    # The layers 3 and 4 of 19 are those of the bin (0.1, 0.2].
    filters = np.concatenate([weights[layer].reshape(-1, 3, 3) for layer in (2, 3)])
    energies = (dctn(filters, axes=(1, 2), norm="ortho") ** 2).sum(axis=0)
    found = table.loc["(0.1, 0.2]", "raw"].to_numpy().reshape(3, 3)
    assert found == exactly(energies / energies.sum())


def test_dct_shares_of_moments_are_those_of_the_transformed_filters(weights):
    filters = weights[3].reshape(-1, 9)
    energies = (dctn(weights[3], axes=(2, 3), norm="ortho") ** 2).sum(axis=(0, 1))
    shares = dct_shares(Moments(len(filters), filters.sum(axis=0), filters.T @ filters))
    assert shares == exactly(energies / energies.sum())


def test_the_shift_between_depths_is_the_golden_one(golden, weights):
    expected = golden["drift"]
    basis = Basis(*(np.array(golden["pca"][name]) for name in
                    ("mean", "components", "explained_variance", "explained_variance_ratio")))  # fmt: skip
    low, high = expected["range"]
    every = np.concatenate([project(scaled_filters(weight)[0], basis) for weight in weights])
    assert (every.min(), every.max()) == (exactly(low), exactly(high))
    groups = {"first": [0], "shallow": range(1, 10), "deep": range(10, 19)}
    counts = {}
    for name, layers in groups.items():
        clean = np.concatenate([scaled[kept] for scaled, kept in (scaled_filters(weights[layer]) for layer in layers)])
        counts[name] = count_coefficients(project(clean, basis), low, high)
    for one in ("shallow", "first"):
        pair = expected[f"{one}_vs_deep"]
        assert [counts[one][0].sum(), counts["deep"][0].sum()] == pair["n"]
        found = shift(counts[one], counts["deep"], low, high, basis.ratios)
        assert found.per_component == exactly(pair["per_component"])
        assert found.weighted == exactly(pair["weighted"])


def test_a_group_without_filters_has_no_shift():
    some, none = np.ones((9, 70), np.int64), np.zeros((9, 70), np.int64)
    assert np.isnan(shift(some, none, -1, 1, np.full(9, 1 / 9)).weighted)
    assert shift(some, some, -1, 1, np.full(9, 1 / 9)).weighted == 0


def test_counts_are_those_of_numpy_with_the_last_bin_closed():
    values = np.random.default_rng(0).uniform(-1, 1, (1000, 9))
    values[0] = 1
    counts = count_coefficients(values, -1, 1)
    assert counts.sum(axis=1).tolist() == [1000] * 9
    assert np.array_equal(counts[4], np.histogram(values[:, 4], np.linspace(-1, 1, 71))[0])


def test_rank_correlation_is_that_of_scipy():
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 5, 30), generator.integers(0, 9, 30)
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert spearman([1, 2, 3, np.nan], [3, 2, 1, 5]) == pytest.approx(-1)
    assert np.isnan(spearman([1, 2], [1, 2]))
    assert np.isnan(spearman([1, 1, 1], [1, 2, 3]))
