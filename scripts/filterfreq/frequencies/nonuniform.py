"""Fourier transforms along one direction of the images of a data set. Imports no torch.

Xu, Zhang, Luo, Xiao, Ma, Frequency Principle: Fourier Analysis Sheds Light on Deep Neural Networks, 2019, arXiv
1901.06523, look at what a network has learned along the first principal component p of its training images x_i: labels
and outputs are functions of the positions v_i = p . x_i, which lie unevenly. Positions are not centred; a shift of all
of them changes phases alone.
"""

import numpy as np
from scipy.sparse.linalg import eigsh

_POSITIONS = 2048  # that are taken at once: their angles stay in the cache
_ROWS = 8192  # vectors that are taken at once


def nonuniform_dft(values: np.ndarray, positions: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Return `(1/n) sum_i y_i exp(-2 pi i k v_i)` for each frequency k, as in the paper.

    Of positions j/n and whole k that is the FFT of the values divided by n.

    Args:
        values: y, real, n, n at least 1.
        positions: v, float, n, in any unit of length.
        frequencies: k, float, K, in cycles per that unit.

    Returns:
        complex128, K.
    """
    cosines, sines = np.zeros(len(frequencies)), np.zeros(len(frequencies))
    turns = -2 * np.pi * np.asarray(frequencies, dtype=np.float64)
    for start in range(0, len(positions), _POSITIONS):
        chunk = slice(start, start + _POSITIONS)
        angles = np.multiply.outer(np.asarray(positions[chunk], dtype=np.float64), turns)
        part = np.asarray(values[chunk], dtype=np.float64)
        cosines += part @ np.cos(angles)
        sines += part @ np.sin(angles)
    return (cosines + 1j * sines) / len(positions)


def principal_component(vectors: np.ndarray) -> np.ndarray:
    """Return the direction along which vectors vary most, the first eigenvector of their covariance.

    Its largest entry in size is positive, so that equal vectors have one answer.

    Args:
        vectors: n x d, n and d at least 2, of any real type, as uint8; of a memory map a chunk is read at a time.

    Returns:
        float64, d, of length 1.
    """
    count, size = vectors.shape
    products, total = np.zeros((size, size)), np.zeros(size)
    for start in range(0, count, _ROWS):
        chunk = np.asarray(vectors[start : start + _ROWS], dtype=np.float64)
        products += chunk.T @ chunk
        total += chunk.sum(axis=0)
    covariance = products / count - np.multiply.outer(total / count, total / count)
    # Lanczos iterations, from a start of its own so that a second call gives the same bits.
    start_vector = np.random.default_rng(0).normal(size=size)
    direction = eigsh(covariance, k=1, which="LA", v0=start_vector)[1][:, 0]
    return direction * np.sign(direction[np.abs(direction).argmax()])


def projections(vectors: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return the positions of vectors along a direction, float64, n, chunk by chunk.

    Args:
        vectors: n x d, as `principal_component` takes them.
        direction: float, d.
    """
    starts = range(0, len(vectors), _ROWS)
    return np.concatenate([vectors[start : start + _ROWS].astype(np.float64) @ direction for start in starts])
