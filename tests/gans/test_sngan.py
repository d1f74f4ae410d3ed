"""The training of SN-GAN: its loss, what it records, and that it goes on where it was stopped."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from filterfreq.evaluation.reading import read_results
from filterfreq.fits.job import run_fit
from filterfreq.gans.job import GanJob, to_network, to_pixels
from filterfreq.gans.networks import Discriminator, Generator
from filterfreq.gans.registry import GANS
from filterfreq.gans.sngan import build_networks, gradient_norm, has_diverged, hinge_losses
from filterfreq.runtime.errors import StoppedError
from filterfreq.runtime.files import read_json

COMPUTE = {"device": "cpu"}
SETTINGS = {
    "dataset": "tiny",
    "normalisation": "spectral",
    "iterations": 6,
    "record_every": 2,
    "learning_rate": 0.0002,
    "beta1": 0,
    "beta2": 0.9,
    "discriminator_steps": 2,
    "batch_size": 4,
    "latent": 5,
    "strided_kernel": 3,
    "samples": 3,
}


@pytest.fixture
def job_of(tmp_path, tiny_dataset) -> Callable[..., GanJob]:
    def make(folder: str, stop: Callable[[], bool] = lambda: False, seed: int = 3, **settings) -> GanJob:
        run = {"gan": "faces", "network": "narrow", "variant": "plain", "seed": seed}
        spec = {"run": run, "kind": "sngan", "network": {"width": 2}, "settings": {**SETTINGS, **settings}}
        at = tmp_path / folder
        return GanJob(
            spec,
            "code",
            torch.device("cpu"),
            at / "training_state.pt",
            stop,
            dataset=tiny_dataset.folder,
            generator=at / "generator.safetensors",
            samples=at / "samples.npz",
        )

    return make


def run(job: GanJob) -> Path:
    folder = job.state_file.parent
    run_fit(job, folder / "results.csv", folder / "run.json", COMPUTE, GANS)
    return folder


def skip_without_convnorm() -> None:
    name = "filterfreq.models.surgery.convolution_normalisation"
    pytest.importorskip(name, reason="this version has no convolutional normalisation")


def stop_after(iterations: int) -> Callable[[], bool]:
    """A request to stop that comes after so many iterations."""
    asked = iter(range(iterations + 1))
    return lambda: next(asked) == iterations


def test_the_hinge_loss_by_hand():
    """Scores within the margin count by their distance from it, those beyond it count nothing."""
    real, generated = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, 0.0])
    assert hinge_losses(real, generated).item() == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 1) / 2)


def test_the_gradient_norm_is_of_all_parameters_together():
    layer = torch.nn.Linear(2, 1)
    layer.weight.grad, layer.bias.grad = torch.tensor([[2.0, 3.0]]), torch.tensor([6.0])
    assert gradient_norm(layer) == pytest.approx(7)


@pytest.mark.parametrize(
    ("losses", "diverged"),
    [
        ([2.0] * 10, False),
        ([0.0] * 8 + [1.0, 1.0], False),
        ([1.0] * 8 + [0.01, 0.01], True),
        ([1.0] * 8 + [5.0, 4.0], True),
        ([1.0, float("nan"), 1.0], True),
    ],
)
def test_a_training_has_diverged_by_its_last_losses(losses, diverged):
    assert has_diverged(losses) == diverged


def test_pixels_come_back_from_the_range_of_the_networks():
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    tensor = to_network(images, torch.device("cpu"))
    assert tensor.min() == -1
    assert tensor.max() == 1
    assert np.array_equal(to_pixels(tensor), images)


@pytest.mark.parametrize("iterations", [0, 3, 4])
@pytest.mark.parametrize("normalisation", ["none", "spectral", "convnorm"])
def test_an_interrupted_training_ends_with_the_same_bytes(job_of, iterations, normalisation):
    if normalisation == "convnorm":
        skip_without_convnorm()
    whole = run(job_of("whole", normalisation=normalisation))
    with pytest.raises(StoppedError, match=f"kept after iteration {iterations}"):
        run(job_of("broken", stop_after(iterations), normalisation=normalisation))
    broken = run(job_of("broken", normalisation=normalisation))
    for file in ("results.csv", "generator.safetensors"):
        assert (broken / file).read_bytes() == (whole / file).read_bytes()
    assert np.array_equal(np.load(broken / "samples.npz")["images"], np.load(whole / "samples.npz")["images"])


def test_what_a_run_keeps(job_of, tiny_dataset):
    folder = run(job_of("one"))
    results = read_results([folder / "results.csv"], [("faces", "narrow", "plain", 3)], "sngan", GANS)
    assert set(results["metric"]) == set(GANS["sngan"].metrics) - {"spectral_norm", "frechet_classifier"}
    assert sorted(set(results["iteration"].dropna())) == [2, 4, 6]
    assert results["layer"].nunique() == 8
    assert np.load(folder / "samples.npz")["images"].shape == (3, 32, 32, 3)
    assert "linear.weight" in load_file(folder / "generator.safetensors")
    recorded = tiny_dataset.checksums["train_images"]
    assert read_json(folder / "run.json")["provenance"]["data"] == {"train_images": recorded}
    other = run(job_of("other", seed=4))
    assert (other / "generator.safetensors").read_bytes() != (folder / "generator.safetensors").read_bytes()


def test_how_often_it_is_recorded_changes_no_weight(job_of):
    often, seldom = run(job_of("often", record_every=1)), run(job_of("seldom", record_every=6))
    assert (often / "generator.safetensors").read_bytes() == (seldom / "generator.safetensors").read_bytes()


@pytest.mark.parametrize("normalisation", ["none", "spectral", "convnorm"])
def test_exact_norms_are_recorded_seldom_and_change_no_weight(job_of, normalisation):
    without = run(job_of("without", normalisation=normalisation))
    with_norms = run(job_of("with", normalisation=normalisation, exact_norms_every=4))
    assert (without / "generator.safetensors").read_bytes() == (with_norms / "generator.safetensors").read_bytes()
    results = read_results([with_norms / "results.csv"], suite="sngan", known=GANS)
    norms = results[results["metric"] == "spectral_norm"]
    assert set(norms["iteration"]) == {4}
    assert norms["layer"].tolist() == [*(f"{number}-conv" for number in range(1, 8)), "8-linear"]


def test_a_training_that_leaves_finite_numbers_ends_there_and_says_so(job_of):
    folder = run(job_of("wild", learning_rate=1e30, normalisation="none", record_every=1, exact_norms_every=1))
    results = read_results([folder / "results.csv"], [("faces", "narrow", "plain", 3)], "sngan", GANS)
    diverged = results[results["metric"] == "diverged"]
    assert diverged["value"].tolist() == [1]
    assert diverged["iterations"].item() < 6


def test_training_is_plain_adam_on_hinge_losses(job_of, tiny_dataset):
    """Against a loop written out: two updates of the discriminator, then one of the generator, three times."""
    folder = run(job_of("one", iterations=3, record_every=3, normalisation="none"))
    images = torch.tensor(tiny_dataset.array("train_images")).permute(0, 3, 1, 2) / 127.5 - 1
    torch.manual_seed(3)
    generator, discriminator = Generator(5, 2, 32), Discriminator(2, 32, 3)
    of_generator, of_discriminator = (
        torch.optim.Adam(network.parameters(), lr=0.0002, betas=(0.0, 0.9)) for network in (generator, discriminator)
    )
    for iteration in (1, 2, 3):
        draws = np.random.default_rng([3, iteration])
        for _ in range(2):
            real = images[np.sort(draws.integers(96, size=4))]
            generated = generator(torch.tensor(draws.standard_normal((4, 5), dtype=np.float32))).detach()
            loss = (1 - discriminator(real)).clamp(min=0).mean() + (1 + discriminator(generated)).clamp(min=0).mean()
            of_discriminator.zero_grad()
            loss.backward()
            of_discriminator.step()
        of_generator.zero_grad()
        (-discriminator(generator(torch.tensor(draws.standard_normal((4, 5), dtype=np.float32)))).mean()).backward()
        of_generator.step()
    results = read_results([folder / "results.csv"], suite="sngan", known=GANS)
    assert results.set_index("metric")["value"]["discriminator_loss"] == pytest.approx(loss.item(), rel=1e-4)
    for name, tensor in load_file(folder / "generator.safetensors").items():
        assert torch.allclose(tensor, generator.state_dict()[name], rtol=1e-3, atol=1e-5), name


def test_convnorm_is_put_round_every_convolution_of_the_discriminator(job_of):
    skip_without_convnorm()
    _, discriminator = build_networks(job_of("one", normalisation="convnorm"), 32)
    assert [type(module).__name__ for module in discriminator.layers][::2] == ["ConvNorm"] * 7
    assert type(discriminator.linear) is torch.nn.Linear
