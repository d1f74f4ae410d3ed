"""The kernel flow: eigenvalues against a Fourier transform, simulations against the exact solution."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import write_results
from filterfreq.fits.job import FitJob, result_keys
from filterfreq.fits.kernel_flow import (
    dense_flow,
    eigenvalues,
    exact_flow,
    follow_flow,
    kernel,
    particle_flow,
    target_of,
)
from filterfreq.fits.registry import FITS
from filterfreq.runtime.errors import StoppedError

HOLDS = {"width": 1.5, "frequencies": [1, 2, 3]}
FAILS = {"width": 0.1, "frequencies": [1, 3, 10]}


def job_of(folder: Path, **settings) -> FitJob:
    run = {"fit": "flow", "network": "equation", "variant": "plain", "seed": 0}
    more = {"times": [0, 10, 100, 1000], "points": 256, "eigenvalues": 20}
    spec = {"run": run, "kind": "kernel_flow", "network": {}, "settings": more | settings}
    return FitJob(spec, "code", torch.device("cpu"), folder / "state.pt")


def grid(points: int) -> np.ndarray:
    return 2 * np.pi * np.arange(points) / points


@pytest.mark.parametrize("width", [0.1, 1.5, 3.0])
def test_eigenvalues_are_the_transform_of_the_kernel(width):
    transform = np.fft.fft(kernel(grid(4096), width)).real * 2 * np.pi / 4096
    formula = eigenvalues(np.arange(2048), width)
    assert np.abs(transform[:2048] - formula).max() < 1e-12
    assert formula[0] == 0


def test_the_kernel_is_periodic_and_what_the_sum_over_images_says():
    x = np.array([0.3, 2.0, -3.0, 6.0])
    h = 1.5
    d = x[:, np.newaxis] + 2 * np.pi * np.arange(-20, 21)
    expected = h / np.sqrt(8 * np.pi) * ((1 / h**2 - d**2 / h**4) * np.exp(-(d**2) / (2 * h**2))).sum(axis=1)
    assert kernel(x, h) == pytest.approx(expected, abs=1e-14)
    assert kernel(x + 2 * np.pi, h) == pytest.approx(expected, abs=1e-14)


def test_eigenvalues_fall_from_the_root_of_two_over_the_width_on():
    for width in (0.1, 0.05):
        k = np.arange(1, 60)
        assert abs(k[np.argmax(eigenvalues(k, width))] - np.sqrt(2) / width) <= 0.5


@pytest.mark.parametrize("settings", [HOLDS, FAILS])
def test_the_dense_flow_is_the_exact_one_and_leaves_the_mean(settings):
    x = grid(256)
    target = target_of(x, settings["frequencies"]) + 0.7
    flows = dense_flow(target, settings["width"], [0, 10, 100, 1000])
    for flow, time in zip(flows, [0, 10, 100, 1000], strict=True):
        exact = exact_flow(x, settings["frequencies"], settings["width"], time)
        assert np.abs(flow - exact).max() < 1e-11
        assert abs(flow.mean()) < 1e-12
    small = grid(64)
    matrix = kernel(small[:, np.newaxis] - small, 1.5) * 2 * np.pi / 64
    wave = np.sin(small) + np.cos(3 * small)
    assert dense_flow(wave, 1.5, [7])[0] == pytest.approx(wave - expm(-7 * matrix) @ wave, abs=1e-12)


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        (HOLDS, {10: [0.03, 0.61, 1.0], 100: [0, 0.007, 0.96], 1000: [0, 0, 0.67]}),
        (FAILS, {10: [0.95, 0.65, 0.05], 100: [0.61, 0.014, 0], 1000: [0.007, 0, 0]}),
    ],
    ids=["holds", "fails"],
)
def test_the_order_of_learning_is_that_of_the_eigenvalues(tmp_path, settings, left):
    job = job_of(tmp_path, **settings)
    write_results(tmp_path / "results.csv", result_keys(job.spec["run"]), "kernel_flow", follow_flow(job))
    results = read_results([tmp_path / "results.csv"], suite="kernel_flow", known=FITS)
    residuals = results[(results["metric"] == "flow_residual") & (results["of"] == "dense")]
    for time, expected in left.items():
        at_time = residuals[residuals["time"] == time].sort_values("frequency")
        assert at_time["frequency"].tolist() == settings["frequencies"]
        assert at_time["value"].tolist() == pytest.approx(expected, abs=0.006)
    flows = results[results["metric"] == "flow"]
    assert len(flows) == 2 * 4 * 256
    assert results[results["metric"] == "flow_difference"]["value"].max() < 1e-11
    assert results[results["metric"] == "flow_peak"]["value"].item() == pytest.approx(2**0.5 / settings["width"])


def test_particles_follow_the_linearised_flow(tmp_path):
    x = grid(48)
    target = target_of(x, [1, 2])
    flows = particle_flow(target, 1.5, [0, 5, 40], 48, job_of(tmp_path))
    for flow, time in zip(flows, [0, 5, 40], strict=True):
        assert np.abs(flow - exact_flow(x, [1, 2], 1.5, time)).max() < 2e-3


def test_a_stop_is_heard_in_the_flow_of_particles(tmp_path):
    job = job_of(tmp_path, **HOLDS, particles=16)
    job.stop = lambda: True
    with pytest.raises(StoppedError, match="asked to stop"):
        follow_flow(job)
