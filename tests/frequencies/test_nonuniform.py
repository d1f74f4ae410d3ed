import time

import numpy as np
import pytest

from filterfreq.frequencies.nonuniform import nonuniform_dft, principal_component, projections


@pytest.mark.parametrize("count", [97, 5000])
def test_of_even_positions_and_whole_frequencies_it_is_the_fft(count):
    values = np.random.default_rng(0).normal(size=count)
    frequencies = np.arange(-40, 90)
    found = nonuniform_dft(values, np.arange(count) / count, frequencies)
    np.testing.assert_allclose(found, (np.fft.fft(values) / count)[frequencies], rtol=0, atol=1e-14)


def test_parseval():
    """The mean of the squares is the sum of the squares of all of an even grid's frequencies."""
    values = np.random.default_rng(1).normal(size=64)
    found = nonuniform_dft(values, np.arange(64) / 64, np.arange(64))
    assert np.square(np.abs(found)).sum() == pytest.approx(np.square(values).mean(), rel=1e-12)


def test_a_shift_of_the_positions_changes_phases_alone():
    rng = np.random.default_rng(2)
    values, positions, frequencies = rng.normal(size=50), rng.normal(size=50), np.linspace(0, 3, 7)
    here, there = (nonuniform_dft(values, positions + shift, frequencies) for shift in (0, 0.7))
    np.testing.assert_allclose(there, here * np.exp(-2j * np.pi * frequencies * 0.7), atol=1e-14)
    assert np.abs(there - here).max() > 0.1


def test_the_parity_function_has_its_closed_form():
    """prod x_j on {-1, 1}^d has along the direction of ones (-i)^d sin(2 pi k)^d, k in cycles per step of one x_j."""
    dimension = 10
    corners = np.array(np.meshgrid(*[[-1, 1]] * dimension)).reshape(dimension, -1).T
    frequencies = np.linspace(-0.5, 0.5, 41)
    found = nonuniform_dft(corners.prod(axis=1), corners.sum(axis=1), frequencies)
    np.testing.assert_allclose(found, (-1j) ** dimension * np.sin(2 * np.pi * frequencies) ** dimension, atol=1e-13)
    assert np.abs(found[20]) < 1e-14
    assert np.abs(found).argmax() in (10, 30)


@pytest.mark.slow
def test_sixty_thousand_images_take_less_than_a_second():
    """The best of three, as other processes may be in the way of one."""
    rng = np.random.default_rng(3)
    values, positions = rng.random(60_000), rng.normal(size=60_000)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        nonuniform_dft(values, positions, np.linspace(0, 0.5, 100))
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1


@pytest.mark.parametrize("kind", [np.float64, np.uint8])
def test_the_principal_component_is_that_of_the_singular_value_decomposition(tmp_path, kind):
    vectors = np.random.default_rng(4).gamma(2, 20, size=(9000, 12)) * np.arange(1, 13) / 12
    vectors = vectors.clip(0, 255).astype(kind)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r", allow_pickle=False)
    centred = vectors.astype(float) - vectors.mean(axis=0)
    expected = np.linalg.svd(centred, full_matrices=False)[2][0]
    found = principal_component(mapped)
    np.testing.assert_allclose(found, expected * np.sign(expected[np.abs(expected).argmax()]), atol=1e-10)
    assert found[np.abs(found).argmax()] > 0
    np.testing.assert_allclose(projections(mapped, found), vectors @ found, rtol=1e-12)
