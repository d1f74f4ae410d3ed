"""Points of a spectrum that stand for it: peaks, and those nearest to given frequencies. Imports no torch."""

import numpy as np


def highest_peaks(magnitudes: np.ndarray, count: int) -> list[int]:
    """Return where the highest peaks of a spectrum are, points above both of their neighbours, in ascending order.

    Args:
        magnitudes: float, K; its two ends are no peaks.
        count: how many peaks; all, where there are fewer.
    """
    inside = magnitudes[1:-1]
    peaks = 1 + np.flatnonzero((inside > magnitudes[:-2]) & (inside > magnitudes[2:]))
    highest = peaks[np.argsort(-magnitudes[peaks], kind="stable")][:count]
    return sorted(highest.tolist())


def nearest_points(grid: np.ndarray, wanted: np.ndarray) -> list[int]:
    """Return the index of the grid's point that is nearest to each wanted value.

    Args:
        grid: float, K.
        wanted: float, M.
    """
    return np.abs(np.subtract.outer(wanted, grid)).argmin(axis=1).tolist()
