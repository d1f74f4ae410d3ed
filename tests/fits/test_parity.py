"""Parity: its closed form against the sum over all corners, and a network that does not generalise."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from fits.jobs_of_fits import job_of, results_of

from filterfreq.fits.parity import corners, parity_spectrum
from filterfreq.frequencies.nonuniform import nonuniform_dft

SMALL = {
    "dimensions": 6,
    "training_points": 20,
    "highest_k": 0.5,
    "frequencies": 41,
    "iterations": 60,
    "record_every": 25,
    "learning_rate": 0.01,
}
NETWORK = {"widths": [50, 20], "activation": "tanh", "initial_std": 0.2}


def test_corners_are_all_that_there_are():
    assert sorted(map(tuple, corners(5))) == sorted(itertools.product([-1.0, 1.0], repeat=5))


@pytest.mark.parametrize("dimensions", [3, 10])
def test_the_closed_form_is_the_sum_over_all_points(dimensions):
    points = np.array(list(itertools.product([-1, 1], repeat=dimensions)))
    k = np.linspace(-0.5, 0.5, 41)
    waves = np.exp(-2j * np.pi * np.multiply.outer(points.sum(1), k))
    expected = points.prod(1) @ waves / len(points)
    assert parity_spectrum(dimensions, k) == pytest.approx(expected, abs=1e-13)
    transformed = nonuniform_dft(corners(dimensions).prod(1), corners(dimensions).sum(1), k)
    assert transformed == pytest.approx(expected, abs=1e-13)


def test_all_of_the_function_is_at_a_quarter_of_a_cycle():
    k = np.linspace(0, 0.5, 101)
    magnitudes = np.abs(parity_spectrum(10, k))
    assert magnitudes[0] == 0
    assert k[magnitudes.argmax()] == pytest.approx(0.25)
    assert magnitudes.max() == pytest.approx(1)


def test_each_curve_is_the_transform_of_its_function(tmp_path: Path):
    results = results_of(job_of(tmp_path, "parity", SMALL, NETWORK, seed=3))
    curves = results[results["metric"] == "magnitude"].pivot(index="k", columns="function", values="value")
    assert len(curves) == 41
    closed = np.abs(parity_spectrum(6, np.linspace(0, 0.5, 41)))
    assert curves["all_points"].to_numpy() == pytest.approx(closed, abs=1e-12)
    # Twenty of 64 points: at k = 0 the transform is their mean, a whole multiple of 2 / 20.
    at_zero = curves["training_points"].iloc[0]
    assert at_zero * 10 == pytest.approx(round(at_zero * 10), abs=1e-12)
    assert np.abs(curves["training_points"].to_numpy() - closed).max() > 0.05
    counts = results[results["metric"] == "magnitude"].groupby("function")["n"].unique()
    assert {name: list(counts[name]) for name in counts.index} == {
        "all_points": [64],
        "network": [64],
        "training_points": [20],
    }


def test_a_network_learns_its_points_and_guesses_the_others(tmp_path: Path):
    """As the paper has it: it fits what it sees, with the wrong low frequencies, and is wrong elsewhere."""
    settings = {**SMALL, "dimensions": 8, "training_points": 50, "iterations": 300, "record_every": 300}
    results = results_of(job_of(tmp_path, "parity", settings, NETWORK))
    last = results[results["iteration"] == 300].set_index("metric")["value"]
    assert last["loss"] < 0.01
    assert last["test_loss"] > 0.5
    assert 0.25 < last["test_accuracy"] < 0.75
    curves = results[results["metric"] == "magnitude"].pivot(index="k", columns="function", values="value")
    assert curves["network"].iloc[np.abs(curves.index - 0.25).argmin()] < 0.5
    assert curves["all_points"].max() == pytest.approx(1, abs=1e-9)


def test_without_other_points_nothing_is_said_of_them(tmp_path: Path):
    settings = {**SMALL, "training_points": 64, "iterations": 5, "record_every": 5}
    results = results_of(job_of(tmp_path, "parity", settings, NETWORK))
    assert set(results["metric"]) == {"loss", "magnitude"}
    curves = results[results["metric"] == "magnitude"].pivot(index="k", columns="function", values="value")
    assert curves["training_points"].to_numpy() == pytest.approx(curves["all_points"].to_numpy(), abs=1e-12)
