"""Wide two-layer networks against automatic differentiation, their own kernel, and the solutions they should reach."""

from pathlib import Path

import numpy as np
import pytest
import torch

from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import write_results
from filterfreq.fits.fp_norm import fit_norms
from filterfreq.fits.job import FitJob, result_keys
from filterfreq.fits.lfp import fit_curve, fit_surface, fit_width, surface_points
from filterfreq.fits.linear_frequency_principle import LFPSolution, differences, fourier_basis, moments
from filterfreq.fits.registry import FITS
from filterfreq.fits.two_layer import (
    TwoLayerNetworks,
    draw_parameters,
    initial_kernel,
    kernel_solution,
    learning_rate,
    train_two_layer,
)
from filterfreq.runtime.errors import InputError, StoppedError

CPU = torch.device("cpu")
XOR = [[1, 1, 1], [-1, -1, 1], [1, -1, -1], [-1, 1, -1]]
SURFACE = {
    "points": XOR,
    "test_points": 12,
    "initialisation": {"w": {"normal": 0.8}, "a": {"normal": 0.2}, "b": {"uniform": 1}},
    "antisymmetric": True,
    "learning_rate": {"per_eigenvalue": 0.25},
    "loss_below": 1e-5,
    "iterations": 5000,
    "record_every": 10,
    "period": 8,
    "basis_frequencies": 16,
    "ridge": 1e-6,
    "weighting": "formula",
}
CURVE = SURFACE | {
    "points": [[-0.8, 0.25], [-0.6, -0.25], [-0.3, -0.07], [-0.06, 0.15], [0.1, -0.05]],
    "test_points": 50,
    "initialisation": {"w": {"uniform": 3}, "a": {"uniform": 0.1}, "b": {"uniform": 3}},
    "iterations": 40,
    "period": 9,
    "basis_frequencies": 100,
}
NORMS = {key: value for key, value in SURFACE.items() if key != "weighting"} | {
    "frequencies": [1, 3],
    "points": 6,
    "test_points": 50,
    "delta": 0.05,
    "iterations": 40,
    "period": 2,
    "basis_frequencies": 50,
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def job_of(folder: Path, kind: str, settings: dict, width: int = 200, **more) -> FitJob:
    run = {"fit": "one", "network": "wide", "variant": "plain", "seed": 3}
    spec = {"run": run, "kind": kind, "network": {"widths": [width], "activation": "relu"}, "settings": settings}
    return FitJob(spec, "code", CPU, folder / "state.pt", **more)


def read(job: FitJob, rows: list, folder: Path):
    write_results(folder / "results.csv", result_keys(job.spec["run"]), job.spec["kind"], rows)
    return read_results([folder / "results.csv"], suite=job.spec["kind"], known=FITS)


def test_an_antisymmetric_network_is_zero_at_first_and_another_is_not():
    points = np.random.default_rng(0).normal(size=(20, 2))
    for antisymmetric, largest in ((True, 1e-12), (False, None)):
        parameters = draw_parameters(SURFACE | {"antisymmetric": antisymmetric}, 1000, 2, 5)
        values = np.abs(TwoLayerNetworks(*parameters, 1, CPU)(points)).max()
        assert values < largest if largest else values > 0.1


def test_parameters_are_drawn_by_their_laws():
    laws = {"w": {"normal": 0.5}, "b": {"normal": 2, "mean": -1}, "a": {"uniform": 3}}
    w, b, a = draw_parameters({"initialisation": laws, "antisymmetric": True}, 40_000, 2, 0)
    assert (w.shape, b.shape, a.shape) == ((40_000, 2), (40_000,), (40_000,))
    assert [w.std(), w.mean(), b.std(), b.mean()] == pytest.approx([0.5, 0, 2, -1], abs=0.05)
    assert a.std() == pytest.approx(np.sqrt(3), abs=0.03)
    assert 2.9 < np.abs(a).max() <= 3


def test_a_step_is_gradient_descent_with_momentum_as_torch_has_it():
    w, b, a = draw_parameters(SURFACE | {"antisymmetric": False}, 30, 2, 1)
    data = np.random.default_rng(2).normal(size=(7, 2))
    values = np.random.default_rng(3).normal(size=(2, 7))
    networks = TwoLayerNetworks(w, b, a, 2, CPU)
    for _ in range(5):
        losses = networks.descend(networks.extend(data), torch.tensor(values), 1e-3, 0.9)
    x, y = torch.tensor(data), torch.tensor(values)
    for number in range(2):
        parts = [torch.tensor(part, requires_grad=True) for part in (w, b, a)]
        optimizer = torch.optim.SGD(parts, lr=1e-3, momentum=0.9)
        for _ in range(5):
            optimizer.zero_grad()
            loss = ((torch.relu(x @ parts[0].T + parts[1]) @ parts[2] - y[number]) ** 2).sum()
            loss.backward()
            optimizer.step()
        assert losses[number].item() == pytest.approx(loss.item(), rel=1e-10)
        assert networks.outer[number].numpy() == pytest.approx(parts[2].detach().numpy(), abs=1e-12)
        assert networks.inner[number, :2].numpy() == pytest.approx(parts[0].detach().numpy().T, abs=1e-12)
        assert networks.inner[number, 2].numpy() == pytest.approx(parts[1].detach().numpy(), abs=1e-12)


def test_the_kernel_is_the_sum_over_all_gradients():
    w, b, a = draw_parameters(SURFACE | {"antisymmetric": False}, 50, 2, 1)
    points = np.random.default_rng(2).normal(size=(6, 2))

    def gradients(x: np.ndarray, with_w: bool) -> np.ndarray:
        parts = [torch.tensor(part, requires_grad=True) for part in (b, a, w)]
        value = torch.relu(parts[2] @ torch.tensor(x) + parts[0]) @ parts[1]
        found = torch.autograd.grad(value, parts if with_w else parts[:2], allow_unused=True)
        return np.concatenate([part.numpy().ravel() for part in found])

    for with_w in (True, False):
        rows = np.array([gradients(x, with_w) for x in points])
        kernel = initial_kernel(w, b, a, points[:2], points, with_w=with_w)
        assert kernel == pytest.approx(rows[:2] @ rows.T, rel=1e-10)


def test_a_wide_network_at_a_small_rate_agrees_with_its_own_kernel(tmp_path):
    settings = SURFACE | {"loss_below": 1e-8}
    data, test = surface_points(settings)
    w, b, a = draw_parameters(settings, 20_000, 2, 0)
    gram = initial_kernel(w, b, a, data[:, :2], data[:, :2])
    network = TwoLayerNetworks(w, b, a, 1, CPU)
    job = job_of(tmp_path, "lfp_surface", settings)
    rows = train_two_layer(
        network, data[:, :2], data[:, 2][np.newaxis], learning_rate({"per_eigenvalue": 0.1}, gram), job
    )
    assert rows[-1]["value"] < 1e-8
    expected = kernel_solution(gram, initial_kernel(w, b, a, test, data[:, :2]), data[:, 2])
    assert np.abs(network(test)[0] - expected).max() < 0.01
    assert kernel_solution(gram, gram, data[:, 2]) == pytest.approx(data[:, 2], abs=1e-9)


def test_a_rate_is_a_number_or_a_part_of_what_the_kernel_allows():
    gram = np.diag([1.0, 5.0])
    assert learning_rate({"per_eigenvalue": 0.5}, gram) == pytest.approx(0.1)
    assert learning_rate(1e-5, gram) == 1e-5


def test_network_and_lfp_agree_and_differ_less_where_the_network_is_wider(tmp_path):
    gaps = []
    for width in (200, 20_000):
        job = job_of(tmp_path, "lfp_width", SURFACE, width)
        results = read(job, fit_width(job), tmp_path)
        assert results[results["metric"] == "loss"]["value"].iloc[-1] < 1e-5
        assert set(results["width"].dropna()) == {width}
        gaps.append(results.query("of == 'network' and to == 'lfp' and measure == 'L2'")["value"].item())
    assert gaps[0] > 1.5 * gaps[1]
    assert gaps[1] < 0.04


def test_biases_over_a_wide_range_tell_the_formula_from_the_script():
    """Without the part of w, the kernel of a wide network is near the formula's solution, and far from the script's."""
    settings = SURFACE | {"initialisation": SURFACE["initialisation"] | {"b": {"uniform": 16}}}
    data, test = surface_points(settings)
    points, values = data[:, :2], data[:, 2]
    gram, cross, laws = np.zeros((4, 4)), np.zeros((len(test), 4)), []
    # A kernel is a sum over neurons: here of 400,000, a part at a time.
    for seed in range(20):
        w, b, a = draw_parameters(settings, 20_000, 2, seed)
        gram += initial_kernel(w, b, a, points, points, with_w=False)
        cross += initial_kernel(w, b, a, test, points, with_w=False)
        laws.append((w, a))
    square = kernel_solution(gram, cross, values).reshape(12, 12)
    # XOR is odd in each coordinate and the same with both exchanged; draws are only nearly so.
    square = (square - square[::-1] - square[:, ::-1] + square[::-1, ::-1]) / 4
    learned = ((square + square.T) / 2).ravel()
    gaps = {}
    for weighting in ("formula", "script"):
        means = moments(*(np.concatenate(parts) for parts in zip(*laws, strict=True)), weighting)
        solution = LFPSolution(points, values, fourier_basis(2, 32, 160), means, 1e-6, weighting)
        gaps[weighting] = differences(solution(test), learned)["L2"]
    assert gaps["formula"] < 0.007
    assert gaps["script"] > 0.01


def test_a_curve_comes_with_its_solutions_and_splines(tmp_path):
    job = job_of(tmp_path, "lfp_curve", CURVE)
    results = read(job, fit_curve(job), tmp_path)
    outputs = results[results["metric"] == "output"]
    curves = dict(iter(outputs.groupby("of")))
    splines = {"natural_spline", "not_a_knot_spline", "linear_spline"}
    assert curves.keys() == {"network", "lfp", "closed_form", "kernel", "data"} | splines
    assert curves["data"]["x"].tolist() == [-0.8, -0.6, -0.3, -0.06, 0.1]
    x = curves["lfp"]["x"].to_numpy()
    assert (len(x), x[0]) == (50, -0.8)
    assert x[-1] == pytest.approx(0.1 - 0.9 / 50)
    assert results[results["metric"] == "loss"]["iteration"].tolist() == [10, 20, 30, 40]
    gap = (curves["network"]["value"].to_numpy() - curves["lfp"]["value"].to_numpy()) ** 2
    said = results.query("of == 'network' and to == 'lfp' and measure == 'L2'")["value"].item()
    assert said == pytest.approx(np.sqrt(gap.mean()), rel=1e-6)


def test_without_antisymmetry_the_solutions_start_from_the_network(tmp_path):
    settings = SURFACE | {"antisymmetric": False, "learning_rate": {"per_eigenvalue": 0.1}}
    job = job_of(tmp_path, "lfp_surface", settings, 20_000)
    results = read(job, fit_surface(job), tmp_path)
    outputs = results[results["metric"] == "output"]
    corners = outputs[(outputs["x"].abs() == 1) & (outputs["y"].abs() == 1)]
    for of in ("lfp", "closed_form", "kernel", "network"):
        chosen = corners[corners["of"] == of]
        assert len(chosen) == 4
        assert chosen["value"].to_numpy() == pytest.approx((chosen["x"] * chosen["y"]).to_numpy(), abs=0.01)
    assert results.query("of == 'network' and to == 'kernel' and measure == 'largest'")["value"].item() < 0.1


def test_norms_and_errors_of_each_sine(tmp_path):
    job = job_of(tmp_path, "fp_norm", NORMS)
    results = read(job, fit_norms(job), tmp_path)
    values = {
        (row["metric"], row.get("of"), row["frequency"]): row["value"]
        for row in results[results["metric"] != "loss"].astype(object).where(results.notna(), None).to_dict("records")
    }
    for frequency in (1, 3):
        assert values["fp_norm", "lfp", frequency] < values["fp_norm", "target", frequency]
        assert values["test_error", "lfp", frequency] < values["generalisation_bound", None, frequency]
    # Both moments count; of the second alone the norm of a sine would be proportional to its frequency.
    assert 3 < values["fp_norm", "target", 3] / values["fp_norm", "target", 1] < 9
    ratio = values["generalisation_bound", None, 3] / values["generalisation_bound", None, 1]
    assert ratio == pytest.approx(values["fp_norm", "target", 3] / values["fp_norm", "target", 1])


def test_a_rate_that_is_too_large_is_said(tmp_path):
    job = job_of(tmp_path, "lfp_width", SURFACE | {"learning_rate": 1.0})
    with pytest.raises(
        InputError, match=r"^the loss of one/wide/plain/3 is not finite .*lower the learning rate \(now 1\)"
    ):
        fit_width(job)


def test_an_interrupted_training_goes_on_with_the_same_bits(tmp_path):
    settings = NORMS | {"momentum": 0.9}
    expected = fit_norms(job_of(tmp_path, "fp_norm", settings))
    asked = iter([False] * 25 + [True])
    with pytest.raises(StoppedError, match="after iteration 25"):
        fit_norms(job_of(tmp_path, "fp_norm", settings, stop=lambda: next(asked)))
    again = fit_norms(job_of(tmp_path, "fp_norm", settings))
    assert [row["value"] for row in again] == [row["value"] for row in expected]
