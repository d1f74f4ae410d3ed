import itertools

import numpy as np
import pytest

from filterfreq.frequencies.line_spectra import line_power, logarithmic_bands


def test_a_cosine_has_its_power_on_its_frequency_and_the_two_beside_it():
    """The transform of Hann's window is 1/2 at 0 and -1/4 beside it, so that its squares are as 4 to 1."""
    cosine = np.cos(2 * np.pi * 5 * np.arange(64) / 64 + 0.3)
    power = line_power(3 * cosine + 7)
    assert power.shape == (32,)
    np.testing.assert_allclose(power[3:6], 9 / 2 * np.array([1, 4, 1]) / 6)
    np.testing.assert_allclose(np.delete(power, [3, 4, 5]), 0, atol=1e-20)


@pytest.mark.parametrize("points", [2, 7, 16, 33])
def test_all_power_is_the_weighted_variance(points):
    values = np.random.default_rng(0).normal(size=(2, 3, points))
    window = np.hanning(points + 1)[:-1]
    mean = np.average(values, axis=-1, weights=window)[..., None]
    expected = np.average((values - mean) ** 2, axis=-1, weights=window**2)
    power = line_power(values)
    assert power.shape == (2, 3, points // 2)
    np.testing.assert_allclose(power.sum(axis=-1), expected, atol=1e-12)


def test_a_constant_leaves_nothing():
    assert line_power(np.full(32, 1e3)).max() < 1e-20


@pytest.mark.parametrize(("count", "bands"), [(1, 1), (32, 32), (33, None), (128, None), (32768, None)])
def test_bands_have_every_frequency_once_and_widen(count, bands):
    found = logarithmic_bands(count, 32)
    assert [number for band in found for number in range(count)[band]] == list(range(count))
    widths = [band.stop - band.start for band in found]
    assert len(found) == (bands or len(found)) <= 32
    assert all(later >= earlier - 1 for earlier, later in itertools.pairwise(widths))
    assert len(found) > min(count, 20) - 1
