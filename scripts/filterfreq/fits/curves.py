"""Curves in the plane that functions of one variable are put on."""

import numpy as np


def flower(petals: int, points: int) -> np.ndarray:
    """Return a closed curve that swings: R (cos 2 pi z, sin 2 pi z) with R = 1 + sin(2 pi L z) / 2.

    Rahaman et al., ICML 2019 (arXiv 1806.08734), section 4: gamma_L. With L = 0 it is the unit circle.

    Args:
        petals: L, at least 0.
        points: N, at z = j / N.

    Returns:
        N x 2, float64, within 1.5 of the origin.
    """
    angles = 2 * np.pi * np.arange(points) / points
    radius = 1 + np.sin(petals * angles) / 2
    return np.stack([radius * np.cos(angles), radius * np.sin(angles)], 1)
