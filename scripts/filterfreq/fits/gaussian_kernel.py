"""Eigenvectors of a Gaussian kernel: functions on a set of points, from slow to fast."""

import numpy as np


def gaussian_kernel(points: np.ndarray, width: float) -> np.ndarray:
    """Return `exp(-|x_i - x_j|^2 / (2 width^2))`.

    Args:
        points: N x D.
        width: in the units of the points.

    Returns:
        N x N, float64, in [0, 1] and exactly symmetric.
    """
    norms = (points**2).sum(axis=1)
    squared = np.maximum(norms[:, np.newaxis] + norms - 2 * points @ points.T, 0)
    # A product of matrices need not be symmetric to the last bit, nor leave exactly 0 on the diagonal.
    squared = (squared + squared.T) / 2
    np.fill_diagonal(squared, 0)
    return np.exp(-squared / (2 * width**2))


def eigenvectors(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues and eigenvectors by falling eigenvalue.

    An eigenvector is one only but for its sign, and which one a library returns hangs on the machine. Here the first
    component that is at least half as large as the largest is above 0.

    Args:
        kernel: N x N, symmetric.

    Returns:
        N eigenvalues, and N x N with a unit vector in each column.
    """
    values, vectors = np.linalg.eigh(kernel)
    values, vectors = values[::-1], vectors[:, ::-1]
    sizes = np.abs(vectors)
    rows = (sizes >= sizes.max(axis=0) / 2).argmax(axis=0)
    return values, vectors * np.sign(vectors[rows, np.arange(len(values))])
