"""Training on all points at once, and going on where it stopped."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from filterfreq.evaluation.results import quantity
from filterfreq.fits.job import FitJob, run_fit
from filterfreq.fits.networks import build_network
from filterfreq.fits.training import train_full_batch
from filterfreq.runtime.errors import InputError, StoppedError
from filterfreq.runtime.files import read_json

NETWORK = {"widths": [8, 8], "activation": "relu"}
COMPUTE = {"device": "cpu"}


def job_of(folder: Path, stop: Callable[[], bool] = lambda: False, rate: float = 0.01) -> FitJob:
    run = {"fit": "sums", "network": "small", "variant": "plain", "seed": 3}
    settings = {
        "frequencies": [1, 2],
        "amplitudes": [1, 1],
        "points": 16,
        "iterations": 40,
        "record_every": 5,
        "learning_rate": rate,
    }
    spec = {"run": run, "kind": "sinusoids", "network": NETWORK, "settings": settings}
    return FitJob(spec, "code", torch.device("cpu"), folder / "training_state.pt", stop)


def stop_after(iterations: int) -> Callable[[], bool]:
    """A request to stop that comes after so many iterations."""
    asked = iter(range(iterations + 1))
    return lambda: next(asked) == iterations


@pytest.mark.parametrize("iterations", [0, 3, 17, 20])
def test_an_interrupted_fit_ends_with_the_same_bytes(iterations, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run_fit(job_of(whole), whole / "results.csv", whole / "run.json", COMPUTE)
    with pytest.raises(StoppedError, match=f"kept after iteration {iterations}") as caught:
        run_fit(job_of(broken, stop_after(iterations)), broken / "results.csv", broken / "run.json", COMPUTE)
    assert caught.value.progressed == (iterations > 0)
    assert [path.name for path in broken.iterdir()] == ["training_state.pt"]
    run_fit(job_of(broken), broken / "results.csv", broken / "run.json", COMPUTE)
    assert (broken / "results.csv").read_bytes() == (whole / "results.csv").read_bytes()
    assert not (broken / "training_state.pt").exists()


def test_the_state_of_another_fit_is_not_gone_on_from(tmp_path):
    with pytest.raises(StoppedError):
        run_fit(job_of(tmp_path, stop_after(20)), tmp_path / "results.csv", tmp_path / "run.json", COMPUTE)
    said = []
    job = job_of(tmp_path, rate=0.02)
    job.announce = said.append
    run_fit(job, tmp_path / "results.csv", tmp_path / "run.json", COMPUTE)
    state = tmp_path / "training_state.pt"
    assert said[0].startswith(f"sums/small/plain/3  {state} is of a training with other settings, code, ")
    assert said[0].endswith(": training starts afresh")
    fresh = tmp_path / "fresh"
    run_fit(job_of(fresh, rate=0.02), fresh / "results.csv", fresh / "run.json", COMPUTE)
    assert (tmp_path / "results.csv").read_bytes() == (fresh / "results.csv").read_bytes()


def test_the_record_says_what_was_made_by_what(tmp_path):
    job = job_of(tmp_path)
    run_fit(job, tmp_path / "results.csv", tmp_path / "run.json", COMPUTE)
    record = read_json(tmp_path / "run.json")
    assert {key: record[key] for key in job.spec} == job.spec
    assert record["provenance"]["code"] == "code"
    assert record["provenance"]["packages"]["torch"] == torch.__version__.partition("+")[0]
    assert record["provenance"]["seconds"] > 0


def test_a_function_that_the_network_is_already_is_left_alone(tmp_path):
    network, same = (build_network(NETWORK, 1, 1, seed=0) for _ in range(2))
    points = torch.linspace(0, 1, 16).unsqueeze(1)
    target = same(points).detach()
    rows = train_full_batch(
        network,
        torch.optim.Adam(network.parameters(), lr=0.1),
        lambda: F.mse_loss(network(points), target),
        lambda iteration: [quantity("loss", f"iteration={iteration}", float(F.mse_loss(network(points), target)), 16)],
        job_of(tmp_path),
    )
    assert [row["value"] for row in rows] == [0.0] * 8
    for mine, its in zip(network.parameters(), same.parameters(), strict=True):
        assert mine.equal(its)


def test_a_loss_that_is_not_finite_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="sums/small/plain/3 is not finite in iteration 5: lower the learning rate"):
        run_fit(job_of(tmp_path, rate=1e30), tmp_path / "results.csv", tmp_path / "run.json", COMPUTE)
    assert list(tmp_path.iterdir()) == []


def test_a_fit_without_that_setting_is_told_the_rate_of_its_optimizer(tmp_path):
    job = job_of(tmp_path)
    del job.settings["learning_rate"]
    network = build_network(NETWORK, 1, 1, seed=0)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.25)
    with pytest.raises(InputError, match=r"is not finite in iteration 5: lower the learning rate \(now 0\.25\)$"):
        train_full_batch(network, optimizer, lambda: network(torch.ones(1, 1)).sum() * torch.inf, lambda i: [], job)


def test_a_network_has_the_layers_and_the_initialisation_of_torch():
    network = build_network({"widths": [4, 3], "activation": "tanh"}, 2, 1, seed=5)
    torch.manual_seed(5)
    layers = [torch.nn.Linear(2, 4), torch.nn.Linear(4, 3), torch.nn.Linear(3, 1)]
    x = torch.rand(6, 2)
    assert network(x).equal(layers[2](torch.tanh(layers[1](torch.tanh(layers[0](x))))))


def test_normal_parameters_have_the_standard_deviation_that_is_asked_for():
    network = build_network({"widths": [300, 300], "activation": "tanh", "initial_std": 0.05}, 1, 1, seed=5)
    for layer in (network[0], network[2]):
        for values in (layer.weight, layer.bias):
            assert abs(values.std().item() / 0.05 - 1) < 5 / (2 * values.numel()) ** 0.5
    again = build_network({"widths": [300, 300], "activation": "tanh", "initial_std": 0.05}, 1, 1, seed=5)
    assert all(mine.equal(its) for mine, its in zip(network.parameters(), again.parameters(), strict=True))


def test_ricker_is_the_second_derivative_of_a_gaussian():
    a = 0.3
    network = build_network({"widths": [1], "activation": "ricker", "ricker_width": a}, 1, 1, seed=0)
    x = torch.linspace(-1, 1, 41, dtype=torch.float64, requires_grad=True)
    gaussian = torch.exp(-((x / a) ** 2) / 2)
    (slope,) = torch.autograd.grad(gaussian.sum(), x, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), x)
    expected = -(a**2) * bend * 2 / (3 * a * torch.pi**0.25) / 5
    torch.testing.assert_close(network[1](x.detach()), expected, rtol=1e-12, atol=1e-12)
