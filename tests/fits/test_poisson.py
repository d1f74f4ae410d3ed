"""Poisson's equation: the solution against the equation, sweeps against a loop, and which frequencies go first."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fits.jobs_of_fits import job_of, results_of
from scipy.linalg import solve_banded

from filterfreq.fits.networks import build_network
from filterfreq.fits.poisson import INTERVAL, apply_sweeps, exact_solution, sweep_counts
from filterfreq.fits.sine_curves import even_points, sum_of_sines

SINES = [1, 4, 8, 24], [1, 4, -8, 16]
SMALL = {
    "angular_frequencies": SINES[0],
    "amplitudes": SINES[1],
    "points": 101,
    "boundary_penalty": 10,
    "spectrum_bins": 16,
    "bins": [1, 3, 8],
    "switches": [0, 20],
    "sweeps": 20_000,
    "jacobi_records": 30,
    "sweeps_per_iteration": [10, 1000],
    "iterations": 30,
    "record_every": 10,
    "learning_rate": 0.001,
}
NETWORK = {"widths": [30, 30], "activation": "tanh", "initial_std": 0.1}


def grid(points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = even_points(INTERVAL, points, "closed")
    return x, exact_solution(x, *SINES), sum_of_sines(x, *SINES)


def test_the_solution_solves_the_equation():
    x, solution, source = grid(20_001)
    assert solution[[0, -1]] == pytest.approx([0, 0], abs=1e-15)
    assert -np.diff(solution, 2) / (x[1] - x[0]) ** 2 == pytest.approx(source[1:-1], abs=1e-3)
    by_hand = np.sin(x) + np.sin(4 * x) / 4 - np.sin(8 * x) / 8 + np.sin(24 * x) / 36
    assert solution == pytest.approx(by_hand - by_hand[-1] * x, abs=1e-14)


@pytest.mark.parametrize("sweeps", [0, 1, 2, 37, 400])
def test_sweeps_in_closed_form_are_those_of_the_loop(sweeps):
    x, _, source = grid(41)
    start = np.random.default_rng(0).normal(size=41)
    values, width = np.concatenate([[0], start[1:-1], [0]]), x[1] - x[0]
    for _ in range(sweeps):
        values[1:-1] = (values[:-2] + values[2:] + width**2 * source[1:-1]) / 2
    assert apply_sweeps(start, source, sweeps) == pytest.approx(values, abs=1e-13)


def test_many_sweeps_solve_the_central_differences():
    x, _, source = grid(201)
    bands = np.array([[-1.0] * 199, [2.0] * 199, [-1.0] * 199])
    expected = solve_banded((1, 1), bands, (x[1] - x[0]) ** 2 * source[1:-1])
    found = apply_sweeps(np.ones(201), source, 1_000_000)
    assert found[1:-1] == pytest.approx(expected, abs=1e-12)
    # Central differences are of second order: a quarter of the error on a grid twice as fine.
    errors = [np.abs(apply_sweeps(0 * u, g, 10**7) - u).max() for _, u, g in (grid(201), grid(401))]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)


def test_sweeps_are_counted_from_none_to_the_last_ever_more_rarely():
    counts = sweep_counts(1000, 20)
    assert (counts[0], counts[-1]) == (0, 1000)
    assert counts == sorted(set(counts))
    assert len(counts) <= 20
    assert np.diff(counts)[-1] > 100


def test_the_energy_is_that_of_the_paper_and_lowest_at_the_solution(tmp_path: Path):
    results = results_of(job_of(tmp_path, "poisson", SMALL, NETWORK, seed=2))
    x, solution, source = grid(101)
    network = build_network(NETWORK, 1, 1, seed=2)
    points = torch.tensor(x, dtype=torch.float32).unsqueeze(1).requires_grad_(True)
    right, width = torch.tensor(source, dtype=torch.float32), float(x[1] - x[0])
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)

    def energy() -> torch.Tensor:
        values = network(points)
        (slope,) = torch.autograd.grad(values.sum(), points, create_graph=True)
        inside = slope.squeeze() ** 2 / 2 - right * values.squeeze()
        return inside.sum() * width + 10 * (values[0, 0] ** 2 + values[-1, 0] ** 2)

    for _ in range(30):
        optimizer.zero_grad()
        energy().backward()
        optimizer.step()
    measured = results[(results["metric"] == "energy") & (results["iteration"] == 30)]["value"].item()
    assert measured == pytest.approx(energy().item(), rel=1e-4)
    # Of the solution itself, with slopes by differences: nothing else has less.
    slopes = np.gradient(solution, x)
    assert ((slopes**2 / 2 - source * solution) * width).sum() < measured
    errors = results[(results["metric"] == "largest_error") & (results["solver"] == "network")]
    assert errors["time"].tolist() == [10, 20, 30]
    learned = network(points).detach().squeeze().double().numpy()
    assert errors["value"].iloc[-1] == pytest.approx(np.abs(learned - solution).max(), rel=1e-4)


def test_jacobi_goes_on_from_the_network_and_takes_high_frequencies_first(tmp_path: Path):
    results = results_of(job_of(tmp_path, "poisson", SMALL, NETWORK, seed=2))
    x, solution, source = grid(101)
    with torch.no_grad():
        start = build_network(NETWORK, 1, 1, seed=2)(torch.tensor(x, dtype=torch.float32).unsqueeze(1))
    swept = apply_sweeps(start.squeeze().double().numpy(), source, 20_000)
    of_zero = results[(results["metric"] == "largest_error") & (results["solver"] == "0")]
    for in_a_unit in (10, 1000):
        last = of_zero[of_zero["sweeps_per_iteration"] == in_a_unit].iloc[-1]
        assert last["time"] == 20_000 / in_a_unit
        assert last["value"] == pytest.approx(np.abs(swept - solution).max(), rel=1e-6)
    errors = results[results["metric"] == "jacobi_relative_error"]
    assert set(errors["switch"]) == {0, 20}
    # Where the switch is, the error is the network's.
    there = errors[(errors["switch"] == 20) & (errors["sweeps"] == 0)].set_index("frequency")["value"]
    network = results[(results["metric"] == "relative_error") & (results["iteration"] == 20)].set_index("frequency")
    # But for the ends, which Jacobi's method sets to 0.
    assert there.to_numpy() == pytest.approx(network["value"].to_numpy(), abs=0.05)
    low, high = (errors[(errors["switch"] == 0) & (errors["frequency"] == k)] for k in (1, 8))
    first = [part[part["value"] < 0.1]["sweeps"].min() for part in (low, high)]
    assert first[1] * 5 < first[0]


@pytest.mark.slow
def test_the_network_takes_low_frequencies_first(tmp_path: Path):
    network = {"widths": [100, 60], "activation": "tanh", "initial_std": 0.1}
    settings = {**SMALL, "iterations": 700, "record_every": 50, "switches": [0], "learning_rate": 0.002}
    results = results_of(job_of(tmp_path, "poisson", settings, network))
    errors = results[results["metric"] == "relative_error"]
    learned = errors[errors["value"] < 0.3].groupby("frequency")["iteration"].min()
    assert learned[1] < learned[3] < learned.get(8, np.inf)
