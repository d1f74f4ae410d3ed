from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.fft import dct, idctn

from filterfreq.frequencies.dct import dct_basis, dct_matrix
from filterfreq.runtime.errors import InputError

RELEASED = Path(__file__).parents[1] / "models" / "fixtures" / "filter_frequency.npz"


@pytest.mark.parametrize("n", [1, 3, 4, 5, 7])
def test_the_basis_is_scipys_inverse_transform_of_unit_vectors_up_to_scale(n):
    basis = dct_basis(n)

    assert basis.shape == (n, n, n, n)
    assert basis.dtype == torch.float64
    for horizontal, vertical in np.ndindex(n, n):
        unit = np.zeros((n, n))
        unit[vertical, horizontal] = 1
        expected = idctn(unit, type=2)
        np.testing.assert_allclose(basis[horizontal, vertical], expected / np.abs(expected).sum(), rtol=0, atol=1e-15)


def test_the_first_index_is_the_horizontal_frequency():
    horizontal = dct_basis(3)[1, 0]

    torch.testing.assert_close(horizontal, torch.tensor([[1.0, 0.0, -1.0]] * 3, dtype=torch.float64) / 6)


@pytest.mark.parametrize("n", [3, 5])
def test_the_single_precision_basis_is_the_released_one_bit_for_bit(n):
    released = np.load(RELEASED)[f"basis_{n}"]

    np.testing.assert_array_equal(dct_basis(n, torch.float32), released)


@pytest.mark.parametrize(("n", "dtype"), [(0, torch.float64), (3, torch.float16)])
def test_a_basis_that_does_not_exist_is_refused(n, dtype):
    with pytest.raises(InputError, match="no DCT basis"):
        dct_basis(n, dtype)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_the_matrix_is_scipys_orthonormal_transform(n):
    matrix = dct_matrix(n)

    assert matrix.dtype == torch.float64
    np.testing.assert_allclose(matrix, dct(np.eye(n), axis=0, norm="ortho"), rtol=0, atol=1e-15)
    torch.testing.assert_close(matrix.T @ matrix, torch.eye(n, dtype=torch.float64), rtol=0, atol=1e-14)


def test_a_transform_of_no_values_is_refused():
    with pytest.raises(InputError, match="no DCT of 0 values: give at least 1"):
        dct_matrix(0)
