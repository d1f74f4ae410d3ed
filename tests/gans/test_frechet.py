"""The Frechet distance in a classifier's features, against its closed form and scipy's root of a matrix."""

import numpy as np
import pytest
import torch
from scipy import linalg
from torch import nn

from filterfreq.gans.frechet import (
    frechet_distance,
    gaussian_of,
    generated_images,
    measure_generator,
    penultimate_features,
)
from filterfreq.gans.networks import Generator
from filterfreq.runtime.errors import InputError

CPU = torch.device("cpu")


def gaussian(rng: np.random.Generator, size: int, rank: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    factor = rng.standard_normal((size, rank or size))
    return rng.standard_normal(size), factor @ factor.T


def scipys_distance(one, other) -> float:
    root = linalg.sqrtm(one[1] @ other[1])
    return float(((one[0] - other[0]) ** 2).sum() + np.trace(one[1] + other[1] - 2 * root.real))


def classifier() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 6), nn.Tanh(), nn.Linear(6, 4))


def test_the_distance_is_scipys():
    rng = np.random.default_rng(0)
    for size in (1, 3, 20):
        one, other = gaussian(rng, size), gaussian(rng, size)
        assert frechet_distance(one, other) == pytest.approx(scipys_distance(one, other), rel=1e-9)


def test_the_distance_of_commuting_covariances_by_hand():
    """Of diagonal ones the roots of the variances count; a variance of 0 is no exception."""
    one = np.array([1.0, 2.0, 3.0]), np.diag([4.0, 0.0, 9.0])
    other = np.array([0.0, 2.0, 5.0]), np.diag([1.0, 16.0, 9.0])
    assert frechet_distance(one, other) == pytest.approx((1 + 0 + 4) + (1 + 16 + 0), rel=1e-12)


def test_a_gaussian_of_low_rank_has_no_distance_from_itself():
    one = gaussian(np.random.default_rng(1), 12, rank=3)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)


def test_features_are_what_the_last_linear_layer_sees():
    model = classifier()
    images = np.random.default_rng(2).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    expected = model[2](model[1](pixels.flatten(1))).detach().numpy()
    assert penultimate_features(model, images, 2, "cpu") == pytest.approx(expected, abs=1e-6)
    model(pixels)  # no hook is left


def test_a_classifier_without_a_linear_layer_is_refused():
    model = nn.Sequential(nn.Conv2d(3, 4, 32), nn.Flatten())
    with pytest.raises(InputError, match="has no linear layer, before which features are taken: name another"):
        penultimate_features(model, np.zeros((2, 32, 32, 3), np.uint8), 2, "cpu")


def test_a_generator_is_measured_on_as_many_images_as_the_data_set_has():
    torch.manual_seed(0)
    generator, model = Generator(5, 2, 32), classifier()
    images = np.random.default_rng(3).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    (row,) = measure_generator(generator, model, "net/plain/0", images, 8, CPU)
    made = np.concatenate(list(generated_images(generator, 20, 20, CPU)))
    assert made.shape == images.shape
    shown = [penultimate_features(model, one, 20, "cpu").astype(float) for one in (made, images)]
    moments = [(one.mean(axis=0), np.cov(one.T)) for one in shown]
    assert row["value"] == pytest.approx(scipys_distance(*moments), rel=1e-6)
    assert (row["metric"], row["parameter"], row["n"]) == ("frechet_classifier", "classifier=net/plain/0", 20)


def test_images_of_a_generator_that_left_finite_numbers_are_black():
    generator = Generator(5, 2, 32)
    generator.linear.weight.data.fill_(float("nan"))
    [made] = generated_images(generator, 3, 3, CPU)
    assert not made.any()


def test_moments_of_one_feature():
    mean, covariance = gaussian_of(np.array([[1.0], [3.0]], np.float32))
    assert (mean.tolist(), covariance.tolist()) == ([2.0], [[2.0]])
