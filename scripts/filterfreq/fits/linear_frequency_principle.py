"""The linear frequency principle (LFP): what a wide two-layer ReLU network learns, from a linear equation.

Zhang, Xu, Luo, Ma, *Explicitizing an Implicit Bias of the Frequency Principle in Two-layer Neural Networks*, arXiv
1905.10264. A network `sum_j a_j relu(w_j . x + b_j)` that is wide and trained by gradient descent ends near the
interpolant that is least in the FP norm, `||h||_gamma^2 = int gamma(xi)^-2 |F[h](xi)|^2 dxi`, with

`gamma(xi)^2 = <r^3> / (16 pi^4 |xi|^(d+3)) + <a^2 r> / (4 pi^2 |xi|^(d+1))`,

r = ||w||, means over the initial parameters, d coordinates, xi in cycles per unit. The first term comes from the
training of a, the second from that of b. What the training of w adds is left out there, and so here.

Here are the solution on a grid of frequencies, in the real Fourier basis of a period, and its limit for an infinite
period, which is a kernel interpolant. Everything is float64.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import gamma as gamma_function

WEIGHTINGS = ("formula", "script")
"""The formula above, and what the authors' scripts compute, see `moments` and `gamma_squared`."""

# Of the zero frequency, as a part of the lowest other one, which would have an infinite weight else.
_ZERO_FREQUENCY = 0.1


class Moments(NamedTuple):
    """The means over initial parameters that gamma depends on: `<r^3>` and `<a^2 r>`."""

    cubic: float
    linear: float


def moments(w: np.ndarray, a: np.ndarray, weighting: str = "formula") -> Moments:
    """Return the means of `r^3` and `a^2 r` over the neurons.

    Args:
        w: m x d, the input weights.
        a: m, the output weights.
        weighting: "formula", where r is the length of a neuron's w; "script", where each entry |w_ij| counts as an r of
            its own, as in the authors' script of two coordinates. With one coordinate both are the same.
    """
    lengths = np.abs(w) if weighting == "script" else np.linalg.norm(w, axis=1, keepdims=True)
    return Moments(float(np.mean(lengths**3)), float(np.mean(a[:, np.newaxis] ** 2 * lengths)))


def gamma_squared(frequencies: np.ndarray, dimension: int, means: Moments, weighting: str = "formula") -> np.ndarray:
    """Return gamma(xi)^2.

    Args:
        frequencies: |xi|, in cycles per unit, above 0.
        dimension: d, the coordinates of a point.
        means: those of the initial parameters.
        weighting: "formula"; or "script", which has 4 pi^2 times the second term where there are two coordinates: its
            frequencies are angular there, in which the formula has no such factor. The script of one coordinate has the
            formula.
    """
    extra = 4 * math.pi**2 if weighting == "script" and dimension > 1 else 1
    cubic = means.cubic / (16 * math.pi**4 * frequencies ** (dimension + 3))
    return cubic + extra * means.linear / (4 * math.pi**2 * frequencies ** (dimension + 1))


@dataclass(frozen=True)
class Basis:
    """The cosines and sines of a period, `cos(2 pi xi . x)` and `sin(2 pi xi . x)`.

    Attributes:
        vectors: xi, one row for each, in cycles per unit; of xi and -xi there is one.
        period: P, of all coordinates.
    """

    vectors: np.ndarray
    period: float

    @property
    def lengths(self) -> np.ndarray:
        """|xi| of each basis function, that of the zero frequency 0.1 / P, which has no weight else."""
        lengths = np.linalg.norm(self.vectors, axis=1)
        return np.tile(np.where(lengths == 0, _ZERO_FREQUENCY / self.period, lengths), 2)

    def evaluate(self, points: np.ndarray) -> np.ndarray:
        """Return all basis functions at points: n x d gives n x 2 J, all cosines before all sines."""
        angles = 2 * math.pi * points @ self.vectors.T
        return np.hstack([np.cos(angles), np.sin(angles)])


def fourier_basis(dimension: int, period: float, count: int) -> Basis:
    """Return the basis of the frequencies j / P, j below `count`, on each axis.

    Args:
        dimension: 1, or 2, where the second frequency takes both signs.
        period: P, larger than the range of the data.
        count: J, frequencies on an axis, the zero frequency among them.
    """
    axis = np.arange(count)
    if dimension == 1:
        return Basis(axis[:, np.newaxis] / period, period)
    first, second = np.meshgrid(axis, np.arange(1 - count, count), indexing="ij")
    # (0, -j) is minus (0, j), and a function of one is a function of the other.
    kept = (first > 0) | (second >= 0)
    return Basis(np.stack([first[kept], second[kept]], axis=1) / period, period)


class LFPSolution:
    """The interpolant of least FP norm in a Fourier basis.

    Its coefficients minimise `||E c - Y||^2 + ridge c^T W^-1 c`. W holds gamma^2 of each basis function, scaled as the
    authors' scripts scale it: `<r^3> / |xi|^(d+3) + 4 pi^2 <a^2 r> / |xi|^(d+1)`, where the larger moment is 1. So one
    ridge suits all networks.

    Attributes:
        basis: the functions.
        weights: W's diagonal.
        gram: `E W E^T`, n x n.

    Args:
        points: n x d, those of the data.
        values: n, the data.
        basis: their period is larger than the range of the points.
        means: those of the initial parameters.
        ridge: epsilon, small.
        weighting: see `gamma_squared`.
    """

    def __init__(
        self,
        points: np.ndarray,
        values: np.ndarray,
        basis: Basis,
        means: Moments,
        ridge: float = 1e-6,
        weighting: str = "formula",
    ) -> None:
        self.basis, self._values, self._ridge = basis, values, ridge
        scaled = Moments(*(moment / max(means) for moment in means))
        self.weights = 16 * math.pi**4 * gamma_squared(basis.lengths, points.shape[1], scaled, weighting)
        self._functions = basis.evaluate(points)
        self.gram = (self._functions * self.weights) @ self._functions.T
        self._dual = np.linalg.solve(self.gram + ridge * np.eye(len(values)), values)

    @property
    def coefficients(self) -> np.ndarray:
        """c, from the dual problem of as many unknowns as data: `W E^T (E W E^T + ridge I)^-1 Y`."""
        return self.weights * (self._dual @ self._functions)

    @property
    def primal_coefficients(self) -> np.ndarray:
        """c, from the primal problem of as many unknowns as functions: `(E^T E + ridge W^-1)^-1 E^T Y`.

        Solved for `W^-1/2 c` as least squares: weights span twenty decades, and the normal equations square that.
        """
        roots = np.sqrt(self.weights)
        system = np.vstack([self._functions * roots, math.sqrt(self._ridge) * np.eye(len(roots))])
        orthogonal, triangle = np.linalg.qr(system)
        return roots * np.linalg.solve(triangle, orthogonal[: len(self._values)].T @ self._values)

    @property
    def fp_norm(self) -> float:
        """`sqrt(c^T W^-1 c)`, the FP norm up to the scale of W."""
        return fp_norm(self.coefficients, self.weights)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Return the solution at points, N x d."""
        return self.basis.evaluate(points) @ self.coefficients


def fp_norm(coefficients: np.ndarray, weights: np.ndarray) -> float:
    """Return `sqrt(c^T W^-1 c)`, the FP norm of a function with these coefficients in the real Fourier basis.

    With complex coefficients of all xi it is this over sqrt(2), and ||gamma|| is sqrt(2) times that of `gamma_norm`:
    the bound has their product.
    """
    return float(np.sqrt(np.sum(coefficients**2 / weights)))


def gamma_norm(basis: Basis, weights: np.ndarray) -> float:
    """Return `||gamma||_l2`, over the frequencies of a real Fourier basis: of each cosine with its sine one gamma^2."""
    return float(np.sqrt(np.sum(weights[: len(basis.vectors)])))


def generalisation_bound(target_norm: float, norm_of_gamma: float, points: int, delta: float) -> float:
    """Return what `E|h - f|` does not exceed with probability 1 - delta, of the interpolant h of least FP norm.

    `||f||_gamma ||gamma||_l2 (2 / sqrt(n) + 4 sqrt(2 log(4 / delta) / n))`: the Rademacher complexity of a ball of
    radius Q in the FP norm is at most `Q ||gamma||_l2 / sqrt(n)`. The 4 is the customary constant; that of the paper
    was not at hand.

    Args:
        target_norm: the FP norm of f, less h_ini.
        norm_of_gamma: see `gamma_norm`.
        points: n, drawn independently.
        delta: in (0, 1).
    """
    return target_norm * norm_of_gamma * (2 + 4 * math.sqrt(2 * math.log(4 / delta))) / math.sqrt(points)


class ClosedForm:
    """The limit of the LFP solution for an infinite period: kernel interpolation with a linear polynomial.

    `phi(s) = <r^3> / (16 pi^4) c_3 s^3 + <a^2 r> / (4 pi^2) c_1 s`, `c_q = pi^(q+d/2) Gamma(-q/2) / Gamma((d+q)/2)`,
    with weights orthogonal to 1 and x. With one coordinate the first term alone is the natural cubic spline, and the
    second alone the piecewise linear interpolant.

    Args:
        points: n x d, which do not all lie on a line (d = 2) or in one place.
        values: n.
        means: those of the initial parameters.
    """

    def __init__(self, points: np.ndarray, values: np.ndarray, means: Moments) -> None:
        self._points = points
        dimension = points.shape[1]
        factors = {
            q: math.pi ** (q + dimension / 2) * gamma_function(-q / 2) / gamma_function((dimension + q) / 2)
            for q in (1, 3)
        }
        scale = max(means)  # phi may be multiplied by anything
        self._cubic = means.cubic / scale / (16 * math.pi**4) * factors[3]
        self._linear = means.linear / scale / (4 * math.pi**2) * factors[1]
        polynomial = self._polynomial(points)
        zeros = np.zeros((dimension + 1, dimension + 1))
        matrix = np.block([[self._kernel(points), polynomial], [polynomial.T, zeros]])
        self._solution = np.linalg.solve(matrix, np.concatenate([values, np.zeros(dimension + 1)]))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Return the interpolant at points, N x d."""
        return np.hstack([self._kernel(points), self._polynomial(points)]) @ self._solution

    def _kernel(self, points: np.ndarray) -> np.ndarray:
        distances = np.linalg.norm(points[:, np.newaxis] - self._points, axis=2)
        return self._cubic * distances**3 + self._linear * distances

    @staticmethod
    def _polynomial(points: np.ndarray) -> np.ndarray:
        return np.hstack([np.ones((len(points), 1)), points])


def differences(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Return the mean and the root mean square of |one - other|, and its largest value, as `L1`, `L2` and `largest`."""
    gaps = np.abs(one - other)
    return {"L1": float(gaps.mean()), "L2": float(np.sqrt((gaps**2).mean())), "largest": float(gaps.max())}
