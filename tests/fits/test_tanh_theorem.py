"""The tanh theorem: the closed forms against numbers, and the shares of failures that were found before."""

from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from fits.jobs_of_fits import job_of, results_of
from scipy.integrate import quad

from filterfreq.fits.tanh_theorem import check_tanh_theorem, draw_ball, failures, log_gradients, transform
from filterfreq.runtime.errors import StoppedError

A, B = np.array([1, -0.7, 0.5, 0.9, -1.2]), np.array([0.8, 0.5, 1.1, 0.3, 0.9])
TARGETS = 1 + 0.3j, 1 - 0.5j
SETTINGS = {
    "outer_weights": A.tolist(),
    "biases": B.tolist(),
    "frequencies": [1, 2],
    "targets": [[1, 0.3], [1, -0.5]],
    "radii": [4, 2, 1, 0.5, 0.25, 0.125],
    "draws": 20_000,
}
# Of 400,000 draws, in the order of the radii.
KNOWN = {
    "every_parameter": (0.675, 0.551, 0.262, 0.0215, 0.00023, 0),
    "every_inner_weight": (0.370, 0.293, 0.126, 0.0087, 0.00010, 0),
    "whole_gradient": (0.020, 0.015, 0.017, 0, 0, 0),
}


def loss(a: np.ndarray, w: np.ndarray, b: np.ndarray, k: float, target: complex) -> float:
    """L(k) as the theorem has it, with its exponentials."""
    terms = (
        2j * np.pi * a / np.abs(w) * np.exp(1j * b * k / w) / (np.exp(-np.pi * k / 2 / w) - np.exp(np.pi * k / 2 / w))
    )
    return abs(terms.sum() - target) ** 2 / 2


@pytest.mark.parametrize("k", [0.5, 1, 3])
@pytest.mark.parametrize(("w", "b"), [(1.3, 0.4), (-0.8, 0.9), (2.5, -1.1)])
def test_the_transform_is_that_of_the_derivative_over_ik(w, b, k):
    """tanh has no transform as an integral; w / cosh^2, its derivative, has, and falls off fast."""

    def part(wave):
        return quad(lambda x: w / np.cosh(w * x + b) ** 2 * wave(k * x), -60, 60, epsabs=1e-14, limit=500)[0]

    expected = (part(np.cos) - 1j * part(np.sin)) / (1j * k)
    assert transform(np.array([1.0]), np.array([[w]]), np.array([b]), k)[0] == pytest.approx(expected, abs=1e-12)


def test_the_transform_keeps_the_energy_of_the_derivative():
    """Parseval: the integral of (w / cosh^2)^2 is 4 |w| / 3."""
    for w in (0.7, -1.6):
        one = np.array([1.0])
        k = np.linspace(1e-3, 60, 3_001)
        squares = [abs(k_i * transform(one, np.array([[w]]), np.array([0.3]), k_i)[0]) ** 2 for k_i in k]
        # Twice the half axis, and the missing first step at its height there.
        energy = (np.trapezoid(squares, k) + k[0] * squares[0]) / np.pi
        assert energy == pytest.approx(4 * abs(w) / 3, rel=1e-6)


def test_gradients_are_those_of_central_differences():
    generator = np.random.default_rng(0)
    w = generator.uniform(0.6, 1.6, (4, 5)) * generator.choice([-1, 1], (4, 5))
    for k, target in zip((1, 2), TARGETS, strict=True):
        found = log_gradients(A, w, B, k, target)
        for draw, part, j in np.ndindex(4, 3, 5):
            ends = []
            for change in (1e-5, -1e-5):
                parameters = [A.copy(), w[draw].copy(), B.copy()]
                parameters[part][j] += change
                ends.append(loss(*parameters, k, target))
            slope = abs(ends[0] - ends[1]) / 2e-5
            assert np.exp(found[part][draw, j]) == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_gradients_too_small_for_floats_are_still_compared():
    w = np.full((1, 5), 0.001)
    low, high = (log_gradients(A, w, B, k, target) for k, target in zip((1, 2), TARGETS, strict=True))
    # exp(-pi k / 2|w|), with powers of w and k before it
    for found, k in ((low, 1), (high, 2)):
        for part in found:
            assert np.isfinite(part).all()
            assert (np.abs(part + np.pi * k / 0.002) < 30).all()
    assert not any(found.any() for found in failures(low, high).values())
    assert np.exp(low.inner_weights).max() == 0


def test_draws_are_uniform_in_the_ball():
    points = draw_ball(np.random.default_rng(1), 40_000, 3, 2.0)
    norms = np.linalg.norm(points, axis=1)
    assert norms.max() <= 2
    # The share within half of the radius is an eighth of the volume; each coordinate's variance is radius^2 / (d + 2).
    assert (norms < 1).mean() == pytest.approx(1 / 8, abs=0.01)
    assert points.var(axis=0) == pytest.approx([4 / 5] * 3, rel=0.03)
    assert points.mean(axis=0) == pytest.approx([0] * 3, abs=0.03)


def test_the_conditions_are_what_the_theorems_say():
    """On draws near 1, with gradients as numbers; descent on L(k1) + L(k2) changes L(k) by -grad L(k) . (their sum)."""
    w = draw_ball(np.random.default_rng(2), 200, 5, 3.0)
    w = w[np.abs(w).min(axis=1) > 0.3]
    found = failures(*(log_gradients(A, w, B, k, target) for k, target in zip((1, 2), TARGETS, strict=True)))
    expected: dict[str, list[bool]] = {name: [] for name in found}
    for draw in w:
        gradients = []
        for k, target in zip((1, 2), TARGETS, strict=True):
            gradient = []
            for part, j in np.ndindex(3, 5):
                ends = []
                for change in (1e-6, -1e-6):
                    parameters = [A.copy(), draw.copy(), B.copy()]
                    parameters[part][j] += change
                    ends.append(loss(*parameters, k, target))
                gradient.append((ends[0] - ends[1]) / 2e-6)
            gradients.append(np.array(gradient))
        low, high = gradients
        both = low + high
        expected["every_parameter"].append(not (np.abs(low) > np.abs(high)).all())
        expected["every_inner_weight"].append(not (np.abs(low) > np.abs(high))[5:10].all())
        holds = -low @ both <= 0 and -low @ both <= -high @ both
        expected["whole_gradient"].append(not holds)
    assert len(w) > 50
    assert {name: found[name].tolist() for name in found} == expected


def test_failures_are_as_frequent_as_they_were_found_to_be(tmp_path: Path):
    results = results_of(job_of(tmp_path, "tanh_theorem", SETTINGS, {}))
    assert len(results) == 3 * 6
    # A chance of 1e-4 for any of the eighteen to be outside by luck.
    z = NormalDist().inv_cdf(1 - 1e-4 / 36)
    for condition, shares in KNOWN.items():
        for radius, share in zip(SETTINGS["radii"], shares, strict=True):
            row = results[(results["condition"] == condition) & (results["radius"] == radius)].iloc[0]
            assert row["n"] == 20_000
            spread = (share * (1 - share) * (1 / 20_000 + 1 / 400_000)) ** 0.5
            # Rounding of the known share, and what one draw of the 20,000 is worth.
            assert abs(row["value"] - share) <= z * spread + 5e-4 + 1 / 20_000
    failing = results[results["condition"] == "every_parameter"].sort_values("radius")["value"].tolist()
    assert failing == sorted(failing)


def test_seeds_draw_anew_and_equal_seeds_the_same(tmp_path: Path):
    few = {**SETTINGS, "radii": [1.0], "draws": 3000}
    first, again, other = (results_of(job_of(tmp_path, "tanh_theorem", few, {}, seed))["value"] for seed in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)


def test_a_stopped_job_says_so_and_one_that_ends_how_long_it_took(tmp_path: Path):
    job = job_of(tmp_path, "tanh_theorem", {**SETTINGS, "radii": [1.0], "draws": 1000}, {})
    results_of(job)
    assert job.seconds > 0
    job.stop = lambda: True
    with pytest.raises(StoppedError, match="one/small/plain/0 was asked to stop: run it again, it starts afresh"):
        check_tanh_theorem(job)
