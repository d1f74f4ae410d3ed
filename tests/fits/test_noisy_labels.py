"""Noise on the labels of two classes: against formulas and a plain training, and what the paper claims in small."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.mnist import prepare
from filterfreq.data.registry import get_dataset
from filterfreq.data.saving import save_dataset
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import write_results
from filterfreq.fits.gaussian_kernel import eigenvectors, gaussian_kernel
from filterfreq.fits.job import FitJob, result_keys
from filterfreq.fits.kernel_noise import binned_coefficients, fit_kernel_noise, rising_noise
from filterfreq.fits.registry import FITS
from filterfreq.fits.sine_noise import fit_sine_noise, sine_of_norm
from filterfreq.fits.two_classes import two_classes
from filterfreq.runtime.errors import InputError, StoppedError

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist"
BOTH = {"dataset": "grey", "classes": ["green", "grey"], "convention": "paper"}
BRIEF = {"iterations": 6, "record_every": 3, "learning_rate": 0.001}
SINE = {**BOTH, **BRIEF, "train_fraction": 0.75, "amplitude": 0.5, "frequency": 2}
KERNEL = {**BOTH, **BRIEF, "kernel_width": 3, "noise": "hfn", "exponent": 2, "bin": 20, "spectrum_at": [0, 6]}
RUNS = {"sine_noise": (fit_sine_noise, SINE), "kernel_noise": (fit_kernel_noise, KERNEL)}


@pytest.fixture(scope="module")
def grey(tmp_path_factory) -> Path:
    """96 images of equal channels, 24 of each class, those of "green" dark above and of "grey" below; norms 5 to 20."""
    rng = np.random.default_rng(0)
    labels = np.arange(96) % 4
    images = rng.integers(0, 60, (96, 32, 32, 1))
    images[labels == 1, 16:] += 130
    images[labels == 3, :16] += 130
    images = images * rng.uniform(0.3, 1, (96, 1, 1, 1))
    splits = {"train_images": np.repeat(images.astype(np.uint8), 3, axis=3), "train_labels": labels.astype(np.int64)}
    splits |= {"test_images": splits["train_images"], "test_labels": splits["train_labels"]}
    folder = tmp_path_factory.mktemp("grey")
    save_dataset(folder, replace(TINY, name="grey"), splits, seed=0, sources={})
    return folder


def job_of(folder: Path, dataset: Path, kind: str, seed: int = 0, stop=lambda: False, **settings) -> FitJob:
    run = {"fit": "noise", "network": "small", "variant": "plain", "seed": seed}
    network = {"widths": [32, 32], "activation": "relu"}
    spec = {"run": run, "kind": kind, "network": network, "settings": RUNS[kind][1] | settings}
    return FitJob(spec, "code", torch.device("cpu"), folder / "training_state.pt", stop, dataset=dataset)


def read_rows(folder: Path, job: FitJob, rows: list):
    """Rows as figures get them."""
    write_results(folder / "results.csv", result_keys(job.spec["run"]), job.spec["kind"], rows)
    return read_results([folder / "results.csv"], suite=job.spec["kind"], known=FITS)


class TestTwoClasses:
    def test_they_are_in_the_order_of_the_data_set_and_equal_channels_are_taken_once(self, grey):
        prepared = PreparedDataset(grey)
        points, targets = two_classes(prepared, {**BOTH, "images": 7})
        assert points.shape == (7, 32 * 32)
        assert targets.tolist() == [0, 1, 0, 1, 0, 1, 0]
        for point, place in zip(points, (1, 3, 5, 7), strict=False):
            np.testing.assert_array_equal(point * 255, np.asarray(prepared.images("train")[place])[..., 0].ravel())
        _, turned = two_classes(prepared, {**BOTH, "classes": ["grey", "green"], "convention": "notebook"})
        assert turned.tolist() == [1, -1] * 24

    def test_channels_that_differ_are_all_there(self, tiny_dataset):
        points, _ = two_classes(tiny_dataset, {**BOTH, "classes": ["red", "green"]})
        np.testing.assert_array_equal(points[1] * 255, np.asarray(tiny_dataset.images("train")[1]).ravel())

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"classes": ["green", "gray"]}, "classes: unknown class of grey 'gray': did you mean 'grey'?"),
            ({"classes": ["grey", "grey"]}, "classes: both are 'grey', and a network is to tell one from the other"),
            ({"images": 49}, "images: grey has 48 of both classes and not 49: lower it"),
        ],
    )
    def test_what_the_data_set_has_not_is_refused(self, grey, settings, said):
        with pytest.raises(InputError) as caught:
            two_classes(PreparedDataset(grey), BOTH | settings)
        assert str(caught.value).startswith(said)

    @pytest.mark.slow
    def test_those_of_mnist_are_the_numbers_of_the_paper(self, tmp_path):
        if not MNIST.is_dir():
            pytest.skip(f"MNIST is not at {MNIST}")
        prepare(MNIST, tmp_path / "out", 0, get_dataset("mnist-28"))
        points, targets = two_classes(PreparedDataset(tmp_path / "out"), {**BOTH, "classes": ["3", "8"]})
        norms = np.linalg.norm(points, axis=1)
        assert (points.shape, targets.sum()) == ((11_982, 784), 5_851)
        assert (norms.mean(), norms.std()) == pytest.approx((9.8, 1.5), abs=0.05)
        assert np.percentile(norms, [1, 99]) == pytest.approx([6.4, 13.3], abs=0.05)


def test_the_noise_is_a_sine_of_the_norm():
    points = np.array([[3.0, 4.0], [0.0, 1.5], [0.0, 0.0]])
    assert sine_of_norm(points, 0.5, 0.2, "paper") == pytest.approx([0.5 * np.sin(1), 0.5 * np.sin(0.3), 0])
    # The notebook's k = 0.05 has a period of 20.
    assert sine_of_norm(points, 2, 0.05, "notebook") == pytest.approx([2, 2 * np.sin(0.15 * np.pi), 0])


def test_training_is_plain_adam_on_noisy_targets_and_validation_has_no_noise(grey, tmp_path):
    job = job_of(tmp_path, grey, "sine_noise", seed=5)
    results = read_rows(tmp_path, job, fit_sine_noise(job))
    assert results["iteration"].tolist() == [0, 0, 3, 3, 6, 6]
    assert results["n"].tolist() == [36, 12] * 3
    prepared = PreparedDataset(grey)
    chosen = [place for place, label in enumerate(prepared.labels("train")) if label in (1, 3)]
    images = torch.tensor(np.asarray(prepared.images("train")[chosen])[..., 0] / 255, dtype=torch.float32).flatten(1)
    pure = torch.tensor([float(prepared.labels("train")[place] == 3) for place in chosen])
    noisy = pure[:36] + 0.5 * torch.sin(2 * images[:36].norm(dim=1))
    torch.manual_seed(5)
    layers = [torch.nn.Linear(1024, 32), torch.nn.Linear(32, 32), torch.nn.Linear(32, 1)]
    optimizer = torch.optim.Adam([parameter for layer in layers for parameter in layer.parameters()], lr=0.001)

    def outputs(inputs: torch.Tensor) -> torch.Tensor:
        return layers[2](torch.relu(layers[1](torch.relu(layers[0](inputs)))))[:, 0]

    expected = []
    for iteration in range(7):
        if iteration % 3 == 0:
            expected.append(((outputs(images[:36]) - noisy) ** 2).mean().item())
            expected.append(((outputs(images[36:]) - pure[36:]) ** 2).mean().item())
        optimizer.zero_grad()
        ((outputs(images[:36]) - noisy) ** 2).mean().backward()
        optimizer.step()
    assert results["value"].tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("kind", RUNS)
def test_a_training_that_was_interrupted_gives_the_same_rows(grey, tmp_path, kind):
    run, _ = RUNS[kind]
    whole = repr(run(job_of(tmp_path, grey, kind)))
    asked = iter([False] * 4 + [True])
    with pytest.raises(StoppedError):
        run(job_of(tmp_path, grey, kind, stop=lambda: next(asked)))
    assert repr(run(job_of(tmp_path, grey, kind))) == whole


def test_the_checksums_of_the_images_are_in_the_record(grey, tmp_path):
    prepared = PreparedDataset(grey)
    expected = {name: prepared.checksums[name] for name in ("train_images", "train_labels")}
    assert job_of(tmp_path, grey, "sine_noise").data == expected
    assert FitJob({}, "code", torch.device("cpu"), tmp_path / "state.pt").data == {}


class TestKernelNoise:
    def test_rising_noise_has_the_coefficients_it_is_called_by(self):
        _, vectors = eigenvectors(gaussian_kernel(np.random.default_rng(0).normal(size=(50, 4)), 2))
        noise = rising_noise(vectors, 2)
        assert [vector @ noise for vector in vectors.T] == pytest.approx([(n / 49) ** 2 for n in range(50)], abs=1e-12)

    def test_bins_have_means_of_moduli_and_the_last_one_what_is_left(self):
        values = np.array([3.0, -1, 0, 4, -6])
        assert binned_coefficients(np.eye(5), values, 2).tolist() == [2, 2, 6]

    def test_spectra_are_of_the_outputs_before_and_after_training(self, grey, tmp_path):
        job = job_of(tmp_path, grey, "kernel_noise", seed=2, bin=1)
        results = read_rows(tmp_path, job, fit_kernel_noise(job))
        found = results[results["metric"] == "coefficient"]
        assert sorted(set(found["iteration"])) == [0, 6]
        points, pure = two_classes(PreparedDataset(grey), BOTH)
        vectors = np.linalg.eigh(np.exp(-((points[:, np.newaxis] - points) ** 2).sum(axis=2) / 18))[1][:, ::-1]
        torch.manual_seed(2)
        layers = [torch.nn.Linear(1024, 32), torch.nn.ReLU(), torch.nn.Linear(32, 32), torch.nn.ReLU()]
        network = torch.nn.Sequential(*layers, torch.nn.Linear(32, 1))
        outputs = network(torch.tensor(points, dtype=torch.float32))[:, 0].detach().double().numpy()
        first = found[found["iteration"] == 0].sort_values("first")["value"]
        np.testing.assert_allclose(first, np.abs(vectors.T @ outputs), atol=1e-6)
        targets = results[results["metric"] == "target_coefficient"].set_index(["target", "first"])["value"]
        np.testing.assert_allclose(targets["pure"], np.abs(vectors.T @ pure), atol=1e-8)
        # Parseval: the eigenvectors are a basis.
        assert (targets["pure"] ** 2).sum() == pytest.approx((pure**2).sum())
        assert (targets["noisy"] - targets["pure"]).abs().max() <= 1 + 1e-9

    def test_white_noise_is_the_seeds_and_none_is_none(self, grey, tmp_path):
        def spectrum(target: str, seed: int = 0, **settings) -> list[float]:
            job = job_of(tmp_path, grey, "kernel_noise", seed, **settings)
            rows = read_rows(tmp_path, job, fit_kernel_noise(job))
            return rows[(rows["metric"] == "target_coefficient") & (rows["target"] == target)]["value"].tolist()

        white = [spectrum("noisy", seed, noise="white") for seed in (0, 1, 0)]
        assert white[0] == white[2] != white[1]
        assert spectrum("noisy", noise="none") == spectrum("pure", noise="none")


@pytest.mark.slow
def test_noise_of_a_high_frequency_is_learned_late_and_that_of_a_low_one_at_once(grey, tmp_path):
    """The claims of the paper, of which norms have a range of 15 here: a period of 25 and one of 1.3."""
    torch.set_num_threads(1)
    lowest = {}
    for frequency in (0, 0.25, 5):
        settings = {"iterations": 300, "record_every": 10, "frequency": frequency, "amplitude": 1}
        job = job_of(tmp_path, grey, "sine_noise", **settings)
        results = read_rows(tmp_path, job, fit_sine_noise(job))
        losses = {metric: rows["value"].to_numpy() for metric, rows in results.groupby("metric")}
        lowest[frequency] = losses["validation_loss"].min()
        if frequency == 5:
            dip = losses["validation_loss"].argmin()
            assert losses["train_loss"][-1] < losses["train_loss"][dip] / 2
            # While the noise is learned, the validation loss rises again, or with so few images is at least no better.
            assert losses["validation_loss"][-1] > 1.2 * lowest[5]
    assert lowest[0] <= lowest[5] < lowest[0.25] / 2
