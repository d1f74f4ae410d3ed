import numpy as np
import pytest
import torch

from filterfreq.frequencies.gaussian_filter import low_pass

POINTS = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2050, 5)).astype(np.uint8))
VALUES = torch.from_numpy(np.random.default_rng(1).normal(size=(2050, 2)))
UNIT = 1 / 255


def double_loop(points: np.ndarray, values: np.ndarray, delta: float) -> np.ndarray:
    """The definition, pair by pair."""
    found = np.zeros_like(values)
    for i, here in enumerate(points):
        weights = 0.0
        for j, there in enumerate(points):
            weight = np.exp(-np.square(here - there).sum() / (2 * delta))
            found[i] += weight * values[j]
            weights += weight
        found[i] /= weights
    return found


def test_it_is_the_mean_over_all_pairs_with_gaussian_weights():
    few, deltas = slice(0, 40), [0.02, 0.1, 3]
    found = low_pass(POINTS[few], VALUES[few], slice(0, 40), deltas, UNIT)
    for delta, of_delta in zip(deltas, found, strict=True):
        expected = double_loop(POINTS[few].numpy() / 255, VALUES[few].numpy(), delta)
        np.testing.assert_allclose(of_delta, expected, rtol=1e-11)


def test_rows_and_chunks_of_points_give_what_all_do_at_once():
    rows = slice(2040, 2050)
    found = low_pass(POINTS, VALUES, rows, [0.1], UNIT)[0]
    shown = POINTS.double() * UNIT
    kernel = torch.exp(torch.cdist(shown[rows], shown).square() / -0.2)
    torch.testing.assert_close(found, kernel @ VALUES / kernel.sum(dim=1, keepdim=True))


def test_its_limits_are_the_values_and_their_mean():
    assert len(torch.unique(POINTS, dim=0)) == len(POINTS)
    smallest, largest = low_pass(POINTS, VALUES, slice(0, 9), [1e-7, 1e9], UNIT)
    assert torch.equal(smallest, VALUES[:9])
    torch.testing.assert_close(largest, VALUES.mean(dim=0).expand(9, 2), rtol=1e-6, atol=1e-8)


def test_a_constant_stays():
    found = low_pass(POINTS, torch.full((2050, 1), 0.3, dtype=torch.float64), slice(0, 5), [0.05], UNIT)
    assert found.flatten().tolist() == pytest.approx([0.3] * 5, rel=1e-14)
