"""Curves of sines: grids, leakage, both forms of the error, and the order in which a small network learns them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from fits.jobs_of_fits import job_of, results_of

from filterfreq.fits.networks import build_network, slopes
from filterfreq.fits.responses import relative_error_rows, relative_errors, spectrum
from filterfreq.fits.sine_curves import even_points, followed_bins, sum_of_cosines, sum_of_sines

TANH = {"widths": [60, 60], "activation": "tanh", "initial_std": 0.3}
SMALL = {
    "angular_frequencies": [1, 3, 5],
    "amplitudes": [1, 1, 1],
    "interval": [-3.14, 3.14],
    "points": 41,
    "grid": "closed",
    "spectrum_bins": 12,
    "iterations": 40,
    "record_every": 20,
    "learning_rate": 0.002,
}


def magnitudes(frequencies, amplitudes, interval, points, grid="closed") -> np.ndarray:
    return np.abs(spectrum(sum_of_sines(even_points(interval, points, grid), frequencies, amplitudes)))


def test_the_spectrum_is_the_sum_over_points():
    values = np.random.default_rng(0).normal(size=31)
    for k in (0, 1, 7, 15):
        expected = sum(value * np.exp(-2j * np.pi * k * j / 31) for j, value in enumerate(values)) / 31
        assert spectrum(values)[k] == pytest.approx(expected, abs=1e-14)


def test_waves_that_fit_the_grid_are_single_bins_and_others_leak():
    periodic = magnitudes([1, 3, 5], [1, 0.5, 2], [-np.pi, np.pi], 200, "periodic")
    expected = np.zeros(101)
    expected[[1, 3, 5]] = [0.5, 0.25, 1]
    assert periodic == pytest.approx(expected, abs=1e-12)
    # On the paper's interval a little, on those of the scripts much.
    paper = magnitudes([1, 3, 5], [1, 1, 1], [-3.14, 3.14], 201)
    script = magnitudes([1, 4], [1, 1], [-10, 10], 61)
    assert 0.001 < np.delete(paper, [1, 3, 5]).max() < 0.02
    assert np.delete(script, [3, 13]).max() > 0.1


@pytest.mark.parametrize(
    ("frequencies", "amplitudes", "interval", "points", "expected"),
    [
        ([1, 3, 5], [1, 1, 1], [-3.14, 3.14], 201, [1, 3, 5]),
        ([1, 4], [1, 1], [-10, 10], 61, [3, 13]),
        ([1, 3, 5], [1, 2, 3], [-5, 5], 101, [2, 5, 8]),
        ([1, 3, 5], [1, 1, 1], [-3.14, 3.14], 600, [1, 3, 5]),
    ],
    ids=["paper", "script on master", "script on main", "notebook"],
)
def test_the_peaks_of_the_published_targets_are_followed(frequencies, amplitudes, interval, points, expected):
    target = sum_of_sines(even_points(interval, points, "closed"), frequencies, amplitudes)
    assert followed_bins({"amplitudes": amplitudes}, target) == expected
    # Each lies next to its wave, in cycles over the steps of the grid.
    length = (interval[1] - interval[0]) * points / (points - 1)
    assert np.abs(np.array(frequencies) * length / (2 * np.pi) - expected).max() < 0.5
    assert followed_bins({"amplitudes": amplitudes, "bins": [7]}, target) == [7]


def test_a_wrong_phase_is_an_error_that_the_difference_of_magnitudes_does_not_see():
    target = np.array([1 + 1j, 2, -3j])
    assert relative_errors(target, target) == pytest.approx([0, 0, 0])
    assert relative_errors(0.75 * target, target, "magnitude") == pytest.approx([0.25] * 3)
    assert relative_errors(0.75 * target, target) == pytest.approx([0.25] * 3)
    assert relative_errors(-target, target) == pytest.approx([2, 2, 2])
    assert relative_errors(-target, target, "magnitude") == pytest.approx([0, 0, 0], abs=1e-15)


def test_a_bin_that_is_not_in_the_target_has_no_error():
    target = np.sin(2 * np.pi * 3 * np.arange(40) / 40)
    rows = relative_error_rows("relative_error", 0.5 * target, target, [2, 3, 5], iteration=10)
    assert [(row["parameter"], row["value"]) for row in rows] == [("iteration=10;frequency=3", pytest.approx(0.5))]


def test_slopes_are_those_of_central_differences():
    network = build_network(TANH, 1, 1, seed=1).double()
    x = torch.linspace(-1, 1, 9, dtype=torch.float64).unsqueeze(1)
    values, slope = slopes(network, x)
    assert values.equal(network(x))
    torch.testing.assert_close(slope, (network(x + 1e-5) - network(x - 1e-5)) / 2e-5, rtol=1e-7, atol=1e-9)
    grid = np.linspace(-2, 2, 7)
    sines = [1, 4], [2, -0.5]
    differences = (sum_of_sines(grid + 1e-5, *sines) - sum_of_sines(grid - 1e-5, *sines)) / 2e-5
    assert sum_of_cosines(grid, *sines) == pytest.approx(differences, abs=1e-8)


def test_what_is_recorded_is_of_the_network_after_so_many_steps(tmp_path: Path):
    settings = {**SMALL, "test_points": 17, "slope_weight": 0.5}
    results = results_of(job_of(tmp_path, "curve", settings, TANH, seed=4))
    x = torch.linspace(-3.14, 3.14, 41).unsqueeze(1).requires_grad_(True)
    w, target = torch.tensor([1.0, 3, 5]), torch.sin(x.detach() * torch.tensor([1.0, 3, 5])).sum(1, keepdim=True)
    network = build_network(TANH, 1, 1, seed=4)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.002)
    for _ in range(40):
        optimizer.zero_grad()
        learned = network(x)
        (slope,) = torch.autograd.grad(learned.sum(), x, create_graph=True)
        wanted = (w * torch.cos(x.detach() * w)).sum(1, keepdim=True)
        (((learned - target) ** 2).mean() + 0.5 * ((slope - wanted) ** 2).mean()).backward()
        optimizer.step()
    last = results[results["iteration"] == 40]
    learned = network(x).detach()
    assert last.query("metric == 'loss'")["value"].item() == pytest.approx(
        ((learned - target) ** 2).mean().item(), 1e-4
    )
    tested = torch.linspace(-3.14, 3.14, 17).unsqueeze(1)
    error = ((network(tested) - torch.sin(tested * w).sum(1, keepdim=True)) ** 2).mean().item()
    assert last.query("metric == 'test_loss'")["value"].item() == pytest.approx(error, 1e-4)
    of_network, of_target = (np.fft.fft(values.double().numpy().ravel()) for values in (learned, target))
    expected = [abs(of_network[k] - of_target[k]) / abs(of_target[k]) for k in (1, 3, 5)]
    measured = last[last["metric"] == "relative_error"]
    assert measured["frequency"].tolist() == [1, 3, 5]
    assert measured["value"].tolist() == pytest.approx(expected, rel=1e-4)
    shown = results[results["metric"] == "target_magnitude"]
    assert shown["frequency"].tolist() == list(range(12))
    assert shown["value"].tolist() == pytest.approx((np.abs(of_target) / 41)[:12], abs=1e-6)


def test_training_ends_at_the_first_record_below_a_loss(tmp_path: Path):
    whole = results_of(job_of(tmp_path, "curve", {**SMALL, "record_every": 5}, TANH)).query("metric == 'loss'")
    wanted = whole["value"].iloc[3] * 1.0001
    part = results_of(job_of(tmp_path, "curve", {**SMALL, "record_every": 5, "until_loss": wanted}, TANH))
    expected = whole["value"].iloc[: int((whole["value"] < wanted).to_numpy().argmax()) + 1]
    assert part.query("metric == 'loss'")["value"].tolist() == expected.tolist()
    assert len(expected) < len(whole)


def first_learned(results: pd.DataFrame) -> list[float]:
    """The first iteration at which each frequency's error is below 0.1, in the order of frequencies."""
    errors = results[results["metric"] == "relative_error"]
    learned = errors[errors["value"] < 0.1].groupby("frequency")["iteration"].min()
    return learned.reindex(sorted(errors["frequency"].unique())).astype(float).fillna(np.inf).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("grid", ["closed", "periodic"])
def test_low_frequencies_are_learned_first(grid, tmp_path: Path):
    """The claim of the paper, on a smaller network and both grids."""
    end = 3.14 if grid == "closed" else np.pi
    settings = {**SMALL, "interval": [-end, end], "grid": grid, "iterations": 1500, "learning_rate": 0.005}
    first, second, third = first_learned(results_of(job_of(tmp_path, "curve", settings, TANH)))
    assert first < second < third
