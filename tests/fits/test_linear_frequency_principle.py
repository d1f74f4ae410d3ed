"""LFP solutions and their limit against splines, against each other and against what defines them."""

import math

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from filterfreq.fits.lfp import splines
from filterfreq.fits.linear_frequency_principle import (
    Basis,
    ClosedForm,
    LFPSolution,
    Moments,
    differences,
    fourier_basis,
    fp_norm,
    gamma_norm,
    gamma_squared,
    generalisation_bound,
    moments,
)

X = np.array([-0.8, -0.6, -0.3, -0.06, 0.1])
Y = np.array([0.25, -0.25, -0.07, 0.15, -0.05])
TEST = np.linspace(-0.8, 0.1, 800, endpoint=False)
# Of uniform w in [-3, 3] and a in [-0.1, 0.1].
MEANS = Moments(27 / 4, 0.01 / 3 * 1.5)
XOR = np.array([[1, 1], [-1, -1], [1, -1], [-1, 1]], dtype=float)
SIGNS = np.array([1, 1, -1, -1], dtype=float)
# Of w in N(0, 0.8^2) and a in N(0, 0.2^2).
XOR_MEANS = Moments(3 * math.sqrt(math.pi / 2) * 0.8**3, 0.04 * math.sqrt(math.pi / 2) * 0.8)
SIDE = np.linspace(-1, 1, 40)
SQUARE = np.stack(np.meshgrid(SIDE, SIDE, indexing="ij"), axis=-1).reshape(-1, 2)


def column(x: np.ndarray) -> np.ndarray:
    return x[:, np.newaxis]


def test_the_closed_form_is_the_natural_spline_without_the_second_term_and_linear_without_the_first():
    natural = ClosedForm(column(X), Y, Moments(2.5, 0))(column(TEST))
    assert np.abs(natural - CubicSpline(X, Y, bc_type="natural")(TEST)).max() < 1e-12
    linear = ClosedForm(column(X), Y, Moments(0, 0.3))(column(TEST))
    assert np.abs(linear - np.interp(TEST, X, Y)).max() < 1e-12


def test_the_kernels_of_one_and_two_coordinates_are_those_worked_out_by_hand():
    for points, cubic, linear in ((column(X), 1 / 12, -1 / 2), (XOR, 1 / 9, -1.0)):
        means = Moments(2.0, 0.7)
        own = ClosedForm(points, np.ones(len(points)), means)._kernel(points)
        s = np.linalg.norm(points[:, np.newaxis] - points, axis=2)
        assert own == pytest.approx((means.cubic * cubic * s**3 + means.linear * linear * s) / max(means), rel=1e-12)


def test_the_settings_of_the_first_figure_follow_the_natural_spline_and_not_scipys_own():
    drawn = splines(X, Y, TEST)
    learned = ClosedForm(column(X), Y, MEANS)(column(TEST))
    assert differences(learned, drawn["natural_spline"])["largest"] == pytest.approx(0.004, abs=0.0005)
    assert differences(learned, drawn["not_a_knot_spline"])["largest"] == pytest.approx(0.05, abs=0.005)


def test_the_solution_of_one_coordinate_interpolates_and_tends_to_the_closed_form():
    limit = ClosedForm(column(X), Y, MEANS)(column(TEST))
    gaps = []
    for period in (3, 9, 27):
        solution = LFPSolution(column(X), Y, fourier_basis(1, period, 100 * period), MEANS)
        assert np.abs(solution(column(X)) - Y).max() < 1e-5
        gaps.append(differences(solution(column(TEST)), limit)["L2"])
    assert gaps[0] > 2 * gaps[1] > 4 * gaps[2]


def test_xor_tends_to_the_closed_form_as_the_period_grows():
    limit = ClosedForm(XOR, SIGNS, XOR_MEANS)(SQUARE)
    for period, gap in ((8, 0.031), (16, 0.012), (32, 0.006)):
        solution = LFPSolution(XOR, SIGNS, fourier_basis(2, period, 5 * period), XOR_MEANS)
        assert differences(solution(SQUARE), limit)["L2"] == pytest.approx(gap, abs=0.001)
        assert np.abs(solution(XOR) - SIGNS).max() < 1e-5


@pytest.mark.parametrize("weighting", ["formula", "script"])
def test_primal_and_dual_are_the_same(weighting):
    of_curve = LFPSolution(column(X), Y, fourier_basis(1, 9, 400), MEANS, 1e-6, weighting)
    of_xor = LFPSolution(XOR, SIGNS, fourier_basis(2, 8, 16), XOR_MEANS, 1e-6, weighting)
    for solution, points in ((of_curve, column(TEST)), (of_xor, SQUARE)):
        primal = solution.basis.evaluate(points) @ solution.primal_coefficients
        assert np.abs(primal - solution(points)).max() < 1e-7


def test_xor_vanishes_on_both_axes_and_is_odd():
    solutions = [LFPSolution(XOR, SIGNS, fourier_basis(2, 8, 40), XOR_MEANS), ClosedForm(XOR, SIGNS, XOR_MEANS)]
    axes = np.vstack([np.column_stack([SIDE, 0 * SIDE]), np.column_stack([0 * SIDE, SIDE])])
    for solution in solutions:
        assert np.abs(solution(axes)).max() < 1e-9
        assert solution(SQUARE * [-1, 1]) == pytest.approx(-solution(SQUARE), abs=1e-9)


def test_turned_data_turn_the_closed_form_and_nearly_the_solution_on_a_grid():
    turn = np.array([[math.cos(0.6), -math.sin(0.6)], [math.sin(0.6), math.cos(0.6)]])
    limit = ClosedForm(XOR, SIGNS, XOR_MEANS)(SQUARE)
    assert ClosedForm(XOR @ turn, SIGNS, XOR_MEANS)(SQUARE @ turn) == pytest.approx(limit, abs=1e-11)
    basis = fourier_basis(2, 16, 80)
    straight, turned = (LFPSolution(XOR @ part, SIGNS, basis, XOR_MEANS)(SQUARE @ part) for part in (np.eye(2), turn))
    assert differences(turned, straight)["L2"] < 2 * differences(straight, limit)["L2"]


def test_a_basis_has_each_frequency_once():
    vectors = fourier_basis(2, 4, 5).vectors * 4
    assert len(vectors) == 5 + 4 * 9
    both = {tuple(vector) for sign in (1, -1) for vector in np.rint(sign * vectors).astype(int)}
    assert both == {(j, k) for j in range(-4, 5) for k in range(-4, 5)}
    basis = fourier_basis(1, 4, 3)
    assert basis.evaluate(np.array([[0.5]]))[0] == pytest.approx(
        [1, math.cos(math.pi / 4), 0, 0, math.sin(math.pi / 4), 1], abs=1e-12
    )
    assert basis.lengths == pytest.approx([0.025, 0.25, 0.5] * 2)


def test_the_norm_is_that_of_the_dual_problem_and_the_least_of_all_interpolants():
    solution = LFPSolution(column(X), Y, fourier_basis(1, 9, 300), MEANS)
    ridge = 1e-6 * np.eye(len(X))
    assert solution.fp_norm**2 == pytest.approx(Y @ np.linalg.solve(solution.gram + ridge, Y), rel=1e-4)
    functions = solution.basis.evaluate(column(X))
    generator = np.random.default_rng(0)
    for _ in range(20):
        other = generator.normal(size=len(solution.weights)) * np.sqrt(solution.weights)
        other -= np.linalg.pinv(functions) @ (functions @ other - Y)
        assert functions @ other == pytest.approx(Y, abs=1e-9)
        assert fp_norm(other, solution.weights) > solution.fp_norm


def test_gamma_is_what_the_formula_says_and_the_script_differs_with_two_coordinates_alone():
    xi = np.array([0.3, 2.0])
    means = Moments(1.7, 0.4)
    for d in (1, 2):
        terms = 1.7 / (16 * math.pi**4 * xi ** (d + 3)), 0.4 / (4 * math.pi**2 * xi ** (d + 1))
        assert gamma_squared(xi, d, means) == pytest.approx(sum(terms), rel=1e-12)
        factor = 4 * math.pi**2 if d == 2 else 1
        assert gamma_squared(xi, d, means, "script") == pytest.approx(terms[0] + factor * terms[1], rel=1e-12)


def test_moments_are_those_of_the_laws():
    """Of normal w and a in two coordinates, r is of a Rayleigh law: <r^3> = 3 sqrt(pi/2) s^3, <r> = sqrt(pi/2) s."""
    generator = np.random.default_rng(0)
    w, a = generator.normal(0, 0.8, (400_000, 2)), generator.normal(0, 0.2, 400_000)
    assert moments(w, a) == pytest.approx(XOR_MEANS, rel=0.01)
    # Of single entries <|w|^3> = sqrt(8/pi) s^3 and <|w|> = sqrt(2/pi) s.
    entries = (math.sqrt(8 / math.pi) * 0.8**3, 0.04 * math.sqrt(2 / math.pi) * 0.8)
    assert moments(w, a, "script") == pytest.approx(entries, rel=0.01)
    assert moments(w[:, :1], a, "script") == pytest.approx(moments(w[:, :1], a), rel=1e-12)


def test_the_bound_is_that_of_complex_coefficients():
    """||f||_gamma ||gamma|| over all frequencies of both signs, in complex coefficients, from their definition."""
    basis = Basis(column(np.arange(1, 6)) / 2, 2)
    weights = gamma_squared(basis.lengths, 1, MEANS)
    coefficients = np.random.default_rng(0).normal(size=10)
    x = np.arange(64) / 32
    function = basis.evaluate(column(x)) @ coefficients
    waves = np.exp(-2j * math.pi * np.outer(basis.vectors[:, 0], x))
    # Of xi and of -xi, which are conjugate.
    norm = 2 * np.sum(np.abs(waves @ function / 64) ** 2 / weights[:5])
    expected = math.sqrt(norm) * math.sqrt(2 * weights[:5].sum())
    assert fp_norm(coefficients, weights) * gamma_norm(basis, weights) == pytest.approx(expected, rel=1e-8)
    assert generalisation_bound(3, 2, 16, 4 / math.e**2) == pytest.approx(6 * (2 / 4 + 4 * math.sqrt(2 * 2 / 16)))
