import numpy as np
import pytest
from scipy.special import gamma, jv

from filterfreq.frequencies.averaging import ball_transfer, shells_transfer, sphere_transfer

FREQUENCIES = np.array([0.3, 1.0, 2.5, 4.0])
DIMENSION, RADIUS = 5, 1.5


def random_directions(count):
    drawn = np.random.default_rng(0).standard_normal((count, DIMENSION))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def mean_cosine(points):
    """The transfer function by Monte Carlo, and six of its standard errors."""
    cosines = np.cos(points[:, :1] * FREQUENCIES)
    return cosines.mean(axis=0), 6 * cosines.std(axis=0) / np.sqrt(len(points))


def test_a_ball_by_monte_carlo():
    radii = RADIUS * np.random.default_rng(1).random((200_000, 1)) ** (1 / DIMENSION)
    measured, error = mean_cosine(radii * random_directions(200_000))
    assert (np.abs(ball_transfer(FREQUENCIES, RADIUS, DIMENSION) - measured) < error).all()


def test_shells_and_their_centre_by_monte_carlo():
    """Of many networks' directions at once: each of them has the same expectation."""
    lengths = (0.5, 1.0, 1.5)
    directions = random_directions(200_000)
    spheres = [mean_cosine(length * directions) for length in lengths]
    count = 4
    measured = (1 + 2 * count * sum(mean for mean, _ in spheres)) / (1 + 6 * count)
    error = 2 * count * sum(error for _, error in spheres) / (1 + 6 * count)
    assert (np.abs(shells_transfer(FREQUENCIES, lengths, count, DIMENSION) - measured) < error).all()


@pytest.mark.parametrize("dimension", [2, 5, 8])
def test_the_bessel_functions_of_the_formula(dimension):
    z = RADIUS * FREQUENCIES
    half = dimension / 2
    np.testing.assert_allclose(
        ball_transfer(FREQUENCIES, RADIUS, dimension), gamma(half + 1) * 2**half * jv(half, z) / z**half, rtol=1e-9
    )
    np.testing.assert_allclose(
        sphere_transfer(FREQUENCIES, RADIUS, dimension),
        gamma(half) * (2 / z) ** (half - 1) * jv(half - 1, z),
        rtol=1e-9,
    )


def test_closed_forms_in_three_dimensions():
    z = RADIUS * FREQUENCIES
    np.testing.assert_allclose(ball_transfer(FREQUENCIES, RADIUS, 3), 3 * (np.sin(z) - z * np.cos(z)) / z**3)
    np.testing.assert_allclose(sphere_transfer(FREQUENCIES, RADIUS, 3), np.sin(z) / z)


def test_of_an_image_a_sphere_is_nearly_a_gaussian():
    """3 x 32 x 32 dimensions, where the gamma function overflows."""
    frequencies = np.array([0.0, 1, 5, 10])
    np.testing.assert_allclose(
        sphere_transfer(frequencies, 6, 3072), np.exp(-((6 * frequencies) ** 2) / (2 * 3072)), rtol=2e-3
    )


def test_a_mean_leaves_constants():
    assert ball_transfer(0, 6, 3072) == 1
    assert sphere_transfer(0.0, 30, 150_528) == 1
    assert shells_transfer([0.0], (2, 4, 6), 15, 3072) == [1]


@pytest.mark.parametrize("dimension", [20, 60, 150])
def test_the_series_of_many_dimensions_joins_the_bessel_function(dimension):
    half = dimension / 2
    z = half * np.array([0.4, 0.49, 0.51, 0.8])
    expected = gamma(half + 1) * (2 / z) ** half * jv(half, z)
    np.testing.assert_allclose(ball_transfer(z, 1, dimension), expected, rtol=1e-9, atol=1e-300)
