import numpy as np
import pytest

from filterfreq.frequencies.averaging import SHELLS, ball_transfer, shells_transfer
from filterfreq.frequencies.averaging_draws import draw_ball_transfer, draw_shells_transfer

DRAWS, RADIUS = 50_000, 6.0


def generator():
    return np.random.default_rng(0)


@pytest.mark.parametrize("dimension", [2, 5, 3072, 150_528])
@pytest.mark.parametrize("count", [1, 15])
def test_draws_are_within_four_standard_errors_of_the_closed_forms(dimension, count):
    frequency = np.sqrt(dimension) / RADIUS * np.array([0.3, 1, 2, 4, 6])
    lengths = [share * RADIUS for share in SHELLS]
    ball = draw_ball_transfer(frequency, RADIUS, dimension, DRAWS, generator())
    shells = draw_shells_transfer(frequency, lengths, count, dimension, DRAWS, generator())
    for found, expected in (
        (ball, ball_transfer(frequency, RADIUS, dimension)),
        (shells, shells_transfer(frequency, lengths, count, dimension)),
    ):
        assert (np.abs(found.mean - expected) < 4 * found.standard_error).all()
        assert (found.standard_error < 0.005).all()
        assert (found.standard_error > 0).all()


def test_nothing_is_lost_at_0_and_shapes_are_those_of_the_frequencies():
    for found in (
        draw_ball_transfer([[0.0, 1.0]], RADIUS, 5, 10, generator()),
        draw_shells_transfer([[0.0, 1.0]], (1, 2), 3, 5, 10, generator()),
    ):
        assert found.mean.shape == found.standard_error.shape == (1, 2)
        assert found.mean[0, 0] == pytest.approx(1)
        assert found.standard_error[0, 0] == 0


def test_the_part_of_a_direction_along_an_axis_is_that_of_drawn_vectors():
    """In three dimensions it is uniform in [-1, 1] (Archimedes), of which the cosine's mean square is known."""
    found = draw_shells_transfer([2.0], [1.0], 10**9, 3, DRAWS, generator())
    deviation = np.sqrt(0.5 + np.sin(4) / 8 - (np.sin(2) / 2) ** 2)
    np.testing.assert_allclose(found.standard_error, deviation / np.sqrt(DRAWS), rtol=0.02)
