"""Bases of the discrete cosine transform of type II, DCT-II, which small filters are written in."""

import numpy as np
import torch
from torch import Tensor

from filterfreq.runtime.errors import InputError

_NUMPY_DTYPES = {torch.float32: np.float32, torch.float64: np.float64}


def dct_basis(n: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Return the 2-D DCT-II basis filters of size n x n, each divided by its L1 norm.

    Before normalisation `B[k, l, row, column] = cos(pi k (column + 1/2) / n) cos(pi l (row + 1/2) / n)`: k is the
    horizontal and l the vertical frequency (Lukasik et al., TMLR 2023, DCT-II basis).

    The products are rounded to `dtype` before they are normalised. In float32 the result is therefore, bit for bit,
    the basis of the paper's released code; in float64 it is the formula to about 1e-16.

    Args:
        n: the kernel size, at least 1.
        dtype: torch.float32 or torch.float64.

    Returns:
        Tensor `[k, l, row, column]` of shape [n, n, n, n], values in [-1, 1].

    Raises:
        InputError: n is below 1, or dtype is neither of the two.
    """
    if n < 1:
        raise InputError(f"no DCT basis of size {n}: give a kernel size of at least 1")
    if dtype not in _NUMPY_DTYPES:
        raise InputError(f"no DCT basis in {dtype}: choose torch.float32 or torch.float64, then convert")
    cosines = _cosines(n)
    basis = (cosines[:, None, None, :] * cosines[None, :, :, None]).astype(_NUMPY_DTYPES[dtype])
    return torch.from_numpy(basis / np.abs(basis).sum(axis=(2, 3), keepdims=True))


def dct_matrix(n: int) -> Tensor:
    """Return the orthonormal 1-D DCT-II of n values as a matrix.

    `D[k, x] = s(k) cos(pi k (x + 1/2) / n)` with `s(0) = sqrt(1 / n)` and `s(k) = sqrt(2 / n)` for k > 0 (Ahmed,
    Natarajan and Rao, IEEE Transactions on Computers 1974; `scipy.fft.dct` with `norm="ortho"`). The coefficients of a
    filter W of n x n are `D W D^T`; energy is preserved, and `D^T D` is the identity.

    Args:
        n: the number of values, at least 1.

    Returns:
        float64 tensor [k, x] of shape [n, n].

    Raises:
        InputError: n is below 1.
    """
    if n < 1:
        raise InputError(f"no DCT of {n} values: give at least 1")
    scale = np.full((n, 1), np.sqrt(2 / n))
    scale[0] = np.sqrt(1 / n)
    return torch.from_numpy(scale * _cosines(n))


def _cosines(n: int) -> np.ndarray:
    """The cosine of each frequency (rows) at each of n positions (columns)."""
    frequency, position = np.arange(n)[:, None], np.arange(n) + 0.5
    return np.cos(np.pi * frequency * position / n)
