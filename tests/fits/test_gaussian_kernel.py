"""The kernel and its eigenvectors against their definitions, and against what theory says of a line."""

from pathlib import Path

import numpy as np
import pytest
import torch

from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import write_results
from filterfreq.fits.gaussian_kernel import eigenvectors, gaussian_kernel
from filterfreq.fits.job import FitJob, result_keys
from filterfreq.fits.kernel_eigenvectors import find_kernel_eigenvectors, sign_changes
from filterfreq.fits.registry import FITS


def test_the_kernel_is_what_the_formula_says():
    points = np.random.default_rng(0).normal(size=(12, 5))
    kernel = gaussian_kernel(points, 1.25)
    for i, j in ((0, 1), (3, 11), (7, 2)):
        distance = np.linalg.norm(points[i] - points[j])
        assert kernel[i, j] == pytest.approx(np.exp(-(distance**2) / (2 * 1.25**2)), rel=1e-12)
    assert (kernel == kernel.T).all()
    assert (np.diag(kernel) == 1).all()


def test_eigenvectors_are_orthonormal_by_falling_eigenvalue_and_have_one_sign():
    kernel = gaussian_kernel(np.random.default_rng(1).normal(size=(30, 3)), 1)
    values, vectors = eigenvectors(kernel)
    assert (np.diff(values) <= 0).all()
    np.testing.assert_allclose(kernel @ vectors, vectors * values, atol=1e-12)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(30), atol=1e-12)
    for vector in vectors.T:
        assert next(value for value in vector if abs(value) >= abs(vector).max() / 2) > 0


def test_sign_changes_pass_over_zeros():
    assert [sign_changes(np.array(values)) for values in ([1, 2], [1, -1, 1], [1, 0, -1], [0, 1, 0, 1])] == [0, 2, 1, 0]


@pytest.fixture(scope="module")
def line_results(tmp_path_factory):
    """The results of 50 points and a width of 0.1, as they are read again."""
    folder = tmp_path_factory.mktemp("line")
    run = {"fit": "line", "network": "equation", "variant": "plain", "seed": 0}
    spec = {"run": run, "kind": "kernel_eigenvectors", "network": {}, "settings": {"points": 50, "kernel_width": 0.1}}
    job = FitJob(spec, "code", torch.device("cpu"), Path(folder / "state.pt"))
    write_results(folder / "results.csv", result_keys(run), "kernel_eigenvectors", find_kernel_eigenvectors(job))
    return read_results([folder / "results.csv"], suite="kernel_eigenvectors", known=FITS)


def values_of(results, metric: str) -> np.ndarray:
    """The values of a metric, a row for each eigenvector."""
    return results[results["metric"] == metric]["value"].to_numpy().reshape(50, -1)


def test_eigenvector_n_changes_sign_n_times_where_rounding_lets_it_be_known(line_results):
    """The kernel is totally positive, of which Gantmacher and Krein proved it."""
    known = values_of(line_results, "eigenvalue_share").ravel() > 1e-12
    assert 25 <= known.sum() <= 30
    assert values_of(line_results, "sign_changes").ravel()[known].tolist() == list(range(known.sum()))


def test_eigenvector_n_has_its_peak_near_half_of_n_cycles(line_results):
    known = values_of(line_results, "eigenvalue_share").ravel() > 1e-12
    peaks = values_of(line_results, "transform").argmax(axis=1)[known]
    assert (np.abs(peaks - np.arange(len(peaks)) / 2) <= 2).all()
    assert (np.diff(peaks) >= 0).all()


def test_the_transform_is_that_of_the_components(line_results):
    vectors, sizes = values_of(line_results, "component"), values_of(line_results, "transform")
    angles = 2 * np.pi * np.outer(np.arange(26), np.arange(50)) / 50
    np.testing.assert_allclose(sizes, np.abs(vectors @ np.exp(-1j * angles).T), atol=1e-12)
