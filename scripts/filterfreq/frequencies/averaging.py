"""What averaging a function over a neighbourhood does to its frequencies, in n dimensions.

Averaging multiplies the Fourier transform at the frequency w by a transfer function, the mean of cos(w.x') over the
neighbourhood, which depends on |w| alone where that is round.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import hyp0f1

SHELLS: tuple[float, ...] = (1 / 3, 2 / 3, 1)
"""The lengths of post-averaging's points, of its radius: those of the released code (PostAvgDefense)."""

_TERMS = 30


def ball_transfer(frequency: ArrayLike, radius: float, dimension: int) -> np.ndarray:
    """Return the transfer function of the mean over a ball.

    Lin, K. A., Jiang, Bandlimiting Neural Networks Against Adversarial Attacks, 2019, arXiv 1905.12797, 3.1, with
    2^(n/2) where the paper has 1/pi^(n/2), with which it would not be 1 at 0:
    `G(w) = Gamma(n/2 + 1) 2^(n/2) J_(n/2)(r |w|) / (r |w|)^(n/2)`.

    Args:
        frequency: |w|, in radians per unit of length, from 0 up.
        radius: of the ball, r.
        dimension: n, at least 1.

    Returns:
        float64, of the shape of `frequency`, in [-1, 1]; 1 at 0.
    """
    return _scaled_bessel(dimension / 2, radius * np.asarray(frequency, np.float64))


def sphere_transfer(frequency: ArrayLike, radius: float, dimension: int) -> np.ndarray:
    """Return the transfer function of the mean over a sphere: the mean of cos(r w.v) over directions v.

    It is `Gamma(n/2) (2 / (r |w|))^(n/2 - 1) J_(n/2 - 1)(r |w|)`, near exp(-(r |w|)^2 / (2 n)) for a large n (Stein and
    Weiss, Introduction to Fourier Analysis on Euclidean Spaces, 1971, chapter IV).

    Args:
        frequency: see `ball_transfer`.
        radius: of the sphere.
        dimension: n, at least 1.

    Returns:
        As `ball_transfer`.
    """
    return _scaled_bessel(dimension / 2 - 1, radius * np.asarray(frequency, np.float64))


def shells_transfer(frequency: ArrayLike, lengths: Sequence[float], count: int, dimension: int) -> np.ndarray:
    """Return the transfer function that post-averaging really has, its mean over random directions.

    The average is over x and the points x +- l v, for each length l and each of so many directions v, see
    `filterfreq.models.surgery.post_averaging`: spheres and their centre, and not a ball.

    Args:
        frequency: see `ball_transfer`.
        lengths: the radii of the spheres.
        count: K, the number of directions.
        dimension: n, at least 1.

    Returns:
        As `ball_transfer`; for high frequencies 1 / (2 K len(lengths) + 1), the share of the centre.
    """
    spheres = sum(sphere_transfer(frequency, length, dimension) for length in lengths)
    return (1 + 2 * count * spheres) / (1 + 2 * count * len(lengths))


def _scaled_bessel(order: float, z: np.ndarray) -> np.ndarray:
    """`Gamma(order + 1) (2/z)^order J_order(z)`, which is `0F1(; order + 1; -z^2/4)`.

    Of thousands of dimensions the Bessel function is below the smallest number where z is small. Up to half the order
    the logarithm is therefore taken of its power series, `-sum_k s_k z^(2k) / k`, with Rayleigh's sums over the zeros
    of J, `s_1 = 1 / (4 (order + 1))` and `s_k = sum_(0<i<k) s_i s_(k-i) / (order + k)` (Kishore, The Rayleigh Function,
    Proceedings of the AMS 1963). There each term is less than a quarter of the one before.
    """
    small = np.clip(z, 0, max(order, 0) / 2)
    sums, series = [1 / (4 * (order + 1))], small**2 / (4 * (order + 1))
    for k in range(2, _TERMS):
        sums.append(sum(one * other for one, other in zip(sums, sums[::-1], strict=True)) / (order + k))
        series = series + sums[-1] * small ** (2 * k) / k
    # Where even at larger z there is no number it is below exp(-order / 16) of hundreds of dimensions and more.
    return np.where(z <= order / 2, np.exp(-series), np.nan_to_num(hyp0f1(order + 1, -(z**2) / 4), nan=0.0))
