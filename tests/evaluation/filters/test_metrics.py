import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.evaluation.filters.metrics import LayerMeasures, column_moments, measure_layer, random_threshold
from filterfreq.runtime.errors import InputError

SHARED = Path(__file__).parents[4] / "shared"
GOLDEN = SHARED / "golden" / "filter_lens.json"
needs_golden = pytest.mark.skipif(not GOLDEN.exists(), reason="needs the golden values in ../shared")


def measure(weights: np.ndarray) -> LayerMeasures:
    return measure_layer(FilterLayer("conv", 0, 0, 0.0, weights))


def layer_of(filters: list, out_channels: int = 1) -> np.ndarray:
    """Filters of 9 values as the weights of a layer."""
    return np.array(filters, np.float64).reshape(out_channels, -1, 3, 3)


def random_weights(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((*shape, 3, 3))


def unit(position: int, value: float = 1.0) -> np.ndarray:
    return value * np.eye(9)[position]


def entropy_by_svd(filters: np.ndarray) -> float:
    variance = np.linalg.svd(filters - filters.mean(axis=0), compute_uv=False) ** 2
    shares = variance / variance.sum()
    return -sum(share * math.log10(share) for share in shares if share > 0)


@pytest.fixture(scope="module")
def golden() -> dict:
    return json.loads(GOLDEN.read_text())


@pytest.fixture(scope="module")
def golden_weights() -> dict[str, np.ndarray]:
    path = SHARED / "data" / "checkpoints" / "resnet20-12fca82f.th"
    state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    return {name.removeprefix("module."): tensor.numpy() for name, tensor in state.items()}


@needs_golden
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layers_of_a_trained_network_have_the_golden_values(golden, golden_weights, dtype):
    for entry in golden["layers"]:
        found = measure(golden_weights[f"{entry['name']}.weight"].astype(dtype))
        counts = ("in_channels", "out_channels", "num_filters", "num_sparse", "num_clean")
        assert [getattr(found, name) for name in counts] == [entry[name] for name in counts]
        values = (
            *("layer_norm", "sparsity", "sparsity_strict", "variance_entropy", "variance_entropy_unscaled"),
            "orthogonality",
        )
        assert [getattr(found, name) for name in values] == pytest.approx([entry[name] for name in values], abs=1e-9)
        assert found.variance_entropy_with_sparse == pytest.approx(entry["variance_entropy_scaled_all"], abs=1e-9)
        ratio = entry["variance_entropy_unscaled"] / entry["random_threshold"]
        assert found.variance_entropy_ratio == pytest.approx(ratio, abs=1e-9)
        assert random_threshold(entry["num_filters"]) == pytest.approx(entry["random_threshold"], abs=1e-12)
        np.testing.assert_allclose(found.dct_share_raw, entry["dct_energy_share"], atol=1e-9)


@needs_golden
@pytest.mark.parametrize(("key", "moments"), [("pca", "scaled"), ("pca_with_sparse", "scaled_with_sparse")])
def test_moments_of_all_layers_give_the_golden_principal_components(golden, golden_weights, key, moments):
    expected = golden[key]
    layers = [getattr(measure(golden_weights[f"{entry['name']}.weight"]), moments) for entry in golden["layers"]]
    count, sum_, second = (sum(getattr(layer, name) for layer in layers) for name in ("count", "sum", "second_moment"))
    assert count == expected["n_samples"]
    np.testing.assert_allclose(sum_ / count, expected["mean"], atol=1e-9)
    variances, axes = np.linalg.eigh((second - np.outer(sum_, sum_) / count) / (count - 1))
    np.testing.assert_allclose(variances[::-1], expected["explained_variance"], atol=1e-9)
    components = axes.T[::-1]
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
    np.testing.assert_allclose(components * np.sign(largest), expected["components"], atol=1e-9)


@needs_golden
def test_energy_of_all_scaled_clean_filters_is_the_golden_one(golden, golden_weights):
    layers = [measure(golden_weights[f"{entry['name']}.weight"]) for entry in golden["layers"]]
    # A layer counts by the energy of its filters.
    energies = [np.trace(layer.scaled.second_moment) for layer in layers]
    shares = np.average([layer.dct_share_scaled for layer in layers], axis=0, weights=energies)
    np.testing.assert_allclose(shares, golden["dct_energy_share"]["scaled_clean"], atol=1e-9)


def make_some_sparse(weights: np.ndarray) -> np.ndarray:
    weights[:, 0] *= 0.002
    weights[1, 1] = 0
    return weights


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("shape", "order"),
    [((5, 3), "C"), ((40, 70), "C"), ((1100, 1), "C"), ((70, 40), "F")],
    ids=["small", "several blocks", "many channels", "other memory order"],
)
def test_measures_are_those_of_the_formulas(shape, order, dtype):
    weights = random_weights(*shape)
    weights = np.asarray(make_some_sparse(weights) if shape[1] > 1 else weights, dtype, order=order)
    found = measure(weights)
    # Every formula as it is written, of all filters at once.
    channels = weights.astype(np.float64).reshape(len(weights), -1)
    filters = channels.reshape(-1, 9)
    peaks = np.abs(filters).max(axis=1)
    scaled = filters / np.where(peaks == 0, 1, peaks)[:, None]
    clean = scaled[peaks > peaks.max() / 100]
    assert found.num_sparse == (peaks <= peaks.max() / 100).sum() >= (shape[1] > 1)
    assert found.num_clean == len(clean)
    assert found.layer_norm == peaks.max()
    assert found.root_mean_square == pytest.approx(np.sqrt((filters**2).mean()), rel=1e-12)
    assert found.sparsity == found.num_sparse / len(filters)
    assert found.variance_entropy == pytest.approx(entropy_by_svd(clean), abs=1e-12)
    assert found.variance_entropy_unscaled == pytest.approx(entropy_by_svd(filters), abs=1e-12)
    assert found.variance_entropy_with_sparse == pytest.approx(entropy_by_svd(scaled), abs=1e-12)
    lengths = np.linalg.norm(channels, axis=1)
    cosines = np.abs(channels @ channels.T / np.outer(lengths, lengths))
    pairs = len(channels) * (len(channels) - 1)
    assert found.orthogonality == pytest.approx(1 - (cosines.sum() - np.trace(cosines)) / pairs, abs=1e-12)
    np.testing.assert_allclose(found.scaled.sum, clean.sum(axis=0), atol=1e-10)
    np.testing.assert_allclose(found.scaled.second_moment, clean.T @ clean, atol=1e-10)
    np.testing.assert_allclose(found.scaled_with_sparse.second_moment, scaled.T @ scaled, atol=1e-10)


def test_a_filter_at_the_threshold_is_sparse_but_not_in_the_parent_work():
    found = measure(layer_of([unit(0, 100.0), unit(1, -1.0), unit(2, 1.001)]))
    assert (found.num_sparse, found.num_clean, found.sparsity, found.sparsity_strict) == (1, 2, 1 / 3, 0)


def test_a_layer_of_zeros_is_sparse_and_has_no_more_than_that():
    found = measure(np.zeros((4, 2, 3, 3)))
    assert (found.num_filters, found.num_sparse, found.num_clean, found.layer_norm) == (8, 8, 0, 0)
    assert (found.sparsity, found.sparsity_strict) == (1, 0)
    assert found.variance_entropy is found.variance_entropy_unscaled is found.variance_entropy_with_sparse is None
    assert found.variance_entropy_ratio is found.dct_share_raw is found.dct_share_scaled is None
    # The four missing ones on the diagonal of the cosines: 1 - 4 / (4 * 3).
    assert found.orthogonality == pytest.approx(2 / 3)
    assert (found.scaled.count, found.scaled.sum.any(), found.scaled.second_moment.any()) == (0, False, False)


def test_one_output_channel_has_no_orthogonality():
    found = measure(random_weights(1, 5))
    assert found.orthogonality is None
    assert found.variance_entropy is not None


def test_one_clean_filter_has_no_variance_entropy():
    found = measure(layer_of([unit(0), unit(3, 0.005), unit(4, 0.005)]))
    assert (found.num_clean, found.num_sparse, found.variance_entropy) == (1, 2, None)
    assert found.variance_entropy_with_sparse is not None
    assert found.variance_entropy_unscaled is not None
    np.testing.assert_allclose(found.dct_share_scaled.sum(), 1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("out_channels", [3, 700])
def test_one_pattern_repeated_has_no_variance_when_it_is_scaled_and_one_axis_of_it_as_it_is(out_channels, dtype):
    amplitudes = 1 + np.arange(out_channels * 4) / (out_channels * 4)
    filters = amplitudes[:, None] * np.random.default_rng(0).uniform(-1, 1, 9)
    found = measure(layer_of(filters.astype(dtype), out_channels).astype(dtype))
    assert found.num_clean == len(filters)
    assert found.variance_entropy is None
    assert found.variance_entropy_with_sparse is None
    assert found.variance_entropy_unscaled == pytest.approx(0, abs=1e-4)
    assert found.variance_entropy_ratio == pytest.approx(0, abs=1e-4)


def test_filters_that_differ_little_keep_the_entropy_of_their_differences():
    """From the second moment about zero it would be lost: the mean is ten million times the differences."""
    filters = np.ones(9) - 1e-7 * np.random.default_rng(0).uniform(0, 1, (9000, 9))
    filters[:, 0] = 1  # the largest value of each, so that they are scaled
    assert measure(layer_of(filters)).variance_entropy == pytest.approx(entropy_by_svd(filters), abs=1e-9)


def test_evenly_spread_filters_have_the_largest_entropy():
    filters = [sign * unit(position) for position in range(9) for sign in (1, -1)]
    found = measure(layer_of(filters))
    assert found.variance_entropy == pytest.approx(math.log10(9), abs=1e-12)
    assert found.variance_entropy_ratio == pytest.approx(math.log10(9) / random_threshold(18))


def test_two_axes_of_equal_variance_have_the_entropy_of_one_bit():
    found = measure(layer_of([unit(0), unit(0, -1.0), unit(4), unit(4, -1.0)]))
    assert found.variance_entropy == pytest.approx(math.log10(2))


def test_two_filters_have_a_variance_on_one_axis_and_no_ratio():
    found = measure(layer_of([unit(0), unit(1)]))
    assert (found.variance_entropy, found.variance_entropy_unscaled) == (0, 0)
    assert random_threshold(2) < 0 < random_threshold(3)
    assert found.variance_entropy_ratio is None


def test_orthonormal_channels_are_orthogonal_and_equal_ones_are_not():
    assert measure(np.eye(9).reshape(9, 1, 3, 3)).orthogonality == 1
    assert measure(layer_of([unit(0, 2.0), unit(0, -3.0)], 2)).orthogonality == pytest.approx(0)
    # Of the three pairs of one, one and two, the first alone is aligned.
    assert measure(layer_of([unit(0), unit(0), unit(1)], 3)).orthogonality == pytest.approx(2 / 3)


def test_a_channel_of_zeros_adds_one_to_the_sum():
    found = measure(layer_of([unit(0), unit(1), np.zeros(9)], 3))
    assert found.orthogonality == pytest.approx(1 - 1 / 6)


@pytest.mark.parametrize("exponent", [-40, -200, 200])
def test_the_size_of_the_weights_matters_for_nothing_but_their_norm(exponent):
    expected, found = measure(random_weights(6, 7)), measure(random_weights(6, 7) * 10.0**exponent)
    names = ("sparsity", "variance_entropy", "variance_entropy_unscaled", "orthogonality")
    assert [getattr(found, name) for name in names] == pytest.approx([getattr(expected, name) for name in names])
    np.testing.assert_allclose(found.dct_share_raw, expected.dct_share_raw)


@pytest.mark.parametrize(("vertical", "horizontal"), [(0, 0), (0, 2), (1, 0), (2, 1)])
def test_a_wave_has_its_energy_at_its_frequency_raw_and_scaled(vertical, horizontal):
    position = (np.arange(3) + 0.5) / 3
    wave = np.cos(np.pi * vertical * position)[:, None] * np.cos(np.pi * horizontal * position)[None, :]
    found = measure(np.stack([wave, -3 * wave])[:, None])
    expected = np.zeros((3, 3))
    expected[vertical, horizontal] = 1
    np.testing.assert_allclose(found.dct_share_raw, expected, atol=1e-12)
    np.testing.assert_allclose(found.dct_share_scaled, expected, atol=1e-12)


def test_no_share_of_energy_is_below_zero():
    for seed in range(20):
        amplitudes = np.random.default_rng(seed).uniform(-1, 1, (50, 1))
        found = measure(layer_of(amplitudes * np.ones(9)))
        assert found.dct_share_raw.min() >= 0
        assert found.dct_share_scaled.min() >= 0


def test_raw_shares_weigh_by_energy_and_scaled_ones_do_not():
    constant, horizontal_edge = np.full((3, 3), 3.0), np.tile([1.0, 0.0, -1.0], (3, 1))
    found = measure(np.stack([constant, horizontal_edge])[:, None])
    # Squared weights: 81 and 6; scaled 9 and 6.
    assert found.dct_share_raw[0, 0] == pytest.approx(81 / 87)
    assert found.dct_share_raw[0, 1] == pytest.approx(6 / 87)
    assert found.dct_share_scaled[0, 0] == pytest.approx(9 / 15)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused_by_the_name_of_their_layer(value):
    weights = random_weights(4, 300)
    weights[3, 299, 2, 2] = value
    with pytest.raises(InputError, match=r"^the weights of layer conv are not finite: take"):
        measure(weights)


def test_moments_of_parts_are_those_of_the_whole():
    filters = np.random.default_rng(0).standard_normal((9, 50))
    whole = column_moments(filters.copy())
    parts = (
        column_moments(filters[:, :0].copy())
        + column_moments(filters[:, :20].copy())
        + column_moments(filters[:, 20:].copy())
    )
    assert parts.count == whole.count == 50
    np.testing.assert_allclose(parts.mean, whole.mean, atol=1e-14)
    np.testing.assert_allclose(parts.scatter, np.cov(filters) * 49, atol=1e-12)
