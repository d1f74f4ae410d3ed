import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from filterfreq.frequencies.fourier import fourier_basis_vector, sum_basis_vectors
from filterfreq.frequencies.pairs import distinct_frequencies, mirror, pair_energies
from filterfreq.runtime.errors import InputError

RAI_TOOLBOX = Path(__file__).parent / "fixtures" / "rai_toolbox_bases.json"
SIZES = [(32, 32), (31, 31), (8, 6), (7, 5), (1, 1)]


@pytest.mark.parametrize(("size", "count"), [*zip(SIZES, [514, 481, 26, 18, 1], strict=True)])
def test_the_vectors_are_an_orthonormal_basis(size, count):
    frequencies = distinct_frequencies(*size)
    assert len(frequencies) == count
    vectors = torch.stack([fourier_basis_vector(*size, *one).flatten() for one in frequencies])
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(count, dtype=torch.float64), rtol=0, atol=1e-13)


@pytest.mark.parametrize("size", SIZES[:-1])
def test_a_vector_is_the_inverse_transform_of_the_released_coefficients(size):
    """(1 + i) / 2 at the first of a pair in row order, the conjugate at its mirror, 1 at its own mirror."""
    height, width = size
    for u, v in distinct_frequencies(*size):
        shifted = np.zeros(size, complex)
        other = mirror(*size, u, v)
        if other == (u, v):
            shifted[u + height // 2, v + width // 2] = 1
        else:
            shifted[u + height // 2, v + width // 2] = (1 + 1j) / 2
            shifted[other[0] + height // 2, other[1] + width // 2] = (1 - 1j) / 2
        image = np.fft.ifft2(np.fft.ifftshift(shifted)) * math.sqrt(height * width)
        assert np.abs(image.imag).max() < 1e-13
        np.testing.assert_allclose(fourier_basis_vector(*size, u, v), image.real, rtol=0, atol=1e-13)
        spectrum = np.abs(np.fft.fftshift(np.fft.fft2(fourier_basis_vector(*size, u, v).numpy())))
        assert {(i - height // 2, j - width // 2) for i, j in np.argwhere(spectrum > 1e-9)} == {(u, v), other}


def test_a_square_of_frequencies_is_round_the_centre():
    assert len(distinct_frequencies(224, 224, 31)) == 1985
    assert distinct_frequencies(32, 32, 1) == [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 0)]
    assert distinct_frequencies(32, 32, 16) == distinct_frequencies(32, 32)
    for highest in (-1, 17):
        with pytest.raises(InputError, match=r"is not in an image of 32 x 32: give 0 to 16"):
            distinct_frequencies(32, 32, highest)


@pytest.mark.parametrize("size", SIZES[:-1])
def test_the_basis_is_that_of_rai_toolbox(size):
    """Its frequencies in its order, and each vector by its products with two images, as the file says."""
    height, width = size
    recorded = json.loads(RAI_TOOLBOX.read_text())["sizes"][f"{height}x{width}"]
    rows, columns = torch.arange(height)[:, None].double(), torch.arange(width)[None].double()
    probes = torch.stack([torch.sin(rows**2 + 3 * columns + 1), torch.cos(2 * rows + columns**2)])
    assert [(u, v) for u, v, *_ in recorded] == distinct_frequencies(*size)
    for u, v, *products in recorded:
        found = (fourier_basis_vector(*size, u, v) * probes).sum(dim=(1, 2))
        assert found.tolist() == pytest.approx(products, rel=0, abs=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_a_sum_of_basis_vectors_is_that_of_each(size):
    draws = np.random.default_rng(0)
    coefficients, expected = torch.zeros(2, *size, dtype=torch.float64), torch.zeros(2, *size, dtype=torch.float64)
    for u, v in distinct_frequencies(*size):
        coefficients[:, u, v] = torch.from_numpy(draws.normal(size=2))
        expected += coefficients[:, u, v, None, None] * fourier_basis_vector(*size, u, v)
    torch.testing.assert_close(sum_basis_vectors(coefficients), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("size", SIZES)
def test_the_energies_of_pairs_are_all_of_an_image(size):
    """Parseval; and a basis vector has all of its own at its frequency."""
    image = np.random.default_rng(0).normal(size=size)
    energies = pair_energies(np.abs(np.fft.fft2(image)) ** 2)
    assert energies.sum() == pytest.approx((image**2).sum())
    assert np.count_nonzero(energies) == len(distinct_frequencies(*size))
    for u, v in distinct_frequencies(*size)[:20]:
        energies = pair_energies(np.abs(np.fft.fft2(fourier_basis_vector(*size, u, v).numpy())) ** 2)
        assert energies[u, v] == pytest.approx(1)
        assert energies.sum() == pytest.approx(1)
