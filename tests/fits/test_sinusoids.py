"""Sums of sinusoids against closed forms, and what the paper claims of them on a small network."""

from pathlib import Path

import numpy as np
import pytest
import torch

from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import write_results
from filterfreq.fits.job import FitJob, result_keys
from filterfreq.fits.registry import FITS
from filterfreq.fits.sinusoids import fit_sinusoids, normalised_amplitudes, sum_of_sinusoids
from filterfreq.runtime.errors import InputError

SMALL = {
    "frequencies": [1, 3, 6],
    "amplitudes": [1, 1, 1],
    "points": 64,
    "iterations": 500,
    "record_every": 10,
    "learning_rate": 0.003,
}


def job_of(folder: Path, seed: int = 0, **settings) -> FitJob:
    run = {"fit": "sums", "network": "small", "variant": "plain", "seed": seed}
    network = {"widths": [64, 64, 64], "activation": "relu"}
    spec = {"run": run, "kind": "sinusoids", "network": network, "settings": SMALL | settings}
    return FitJob(spec, "code", torch.device("cpu"), folder / "training_state.pt")


def test_the_target_is_what_the_formula_says_at_each_point():
    values = sum_of_sinusoids([2, 5], [1.5, 0.25], [0.25, 0.1], 20)
    for j in (0, 1, 7, 19):
        z = j / 20
        # sin(x + pi / 2) = cos(x)
        expected = 1.5 * np.cos(2 * np.pi * 2 * z) + 0.25 * np.sin(2 * np.pi * (5 * z + 0.1))
        assert values[j] == pytest.approx(expected, abs=1e-12)


def test_the_amplitudes_of_the_target_are_one_and_scale_with_it():
    frequencies, amplitudes = [5, 10, 50], [0.1, 1, 3]
    target = sum_of_sinusoids(frequencies, amplitudes, [0.1, 0.7, 0.9], 200)
    assert normalised_amplitudes(target, frequencies, amplitudes) == pytest.approx([1, 1, 1], abs=1e-12)
    assert normalised_amplitudes(0.3 * target, frequencies, amplitudes) == pytest.approx([0.3] * 3, abs=1e-12)
    assert normalised_amplitudes(target, [6, 20], [1, 1]) == pytest.approx([0, 0], abs=1e-12)


def test_amplitudes_are_projections_on_sine_and_cosine():
    values = np.random.default_rng(0).normal(size=48)
    z = np.arange(48) / 48
    for k in (1, 7, 23):
        sine, cosine = (2 * np.mean(values * wave(2 * np.pi * k * z)) for wave in (np.sin, np.cos))
        assert normalised_amplitudes(values, [k], [2]) == pytest.approx([np.hypot(sine, cosine) / 2], rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("amplitudes", [[1, 1, 1], [0.4, 0.7, 1]], ids=["equal", "rising"])
def test_low_frequencies_are_learned_first_also_where_high_ones_are_larger(amplitudes, tmp_path):
    """The claim of the paper: when half of each amplitude is learned for the first time."""
    torch.set_num_threads(1)
    for seed in range(3):
        rows = fit_sinusoids(job_of(tmp_path, seed, amplitudes=amplitudes))
        write_results(tmp_path / "results.csv", result_keys(job_of(tmp_path, seed).spec["run"]), "sinusoids", rows)
        results = read_results([tmp_path / "results.csv"], known=FITS)
        learned = results.query("metric == 'normalised_amplitude' and value > 0.5")
        first = learned.groupby("frequency")["iteration"].min().reindex(SMALL["frequencies"]).fillna(10**6).tolist()
        assert first[0] * 2 <= first[1]
        assert first[1] * 1.5 <= first[2]


def test_each_record_has_the_loss_all_amplitudes_and_the_norms_of_layers(tmp_path):
    settings = {"iterations": 25, "record_every": 10, "shown_at": [20]}
    job = job_of(tmp_path, 5, **settings)
    write_results(tmp_path / "results.csv", result_keys(job.spec["run"]), "sinusoids", fit_sinusoids(job))
    results = read_results([tmp_path / "results.csv"], [("sums", "small", "plain", 5)], "sinusoids", FITS)
    assert set(results["metric"]) == set(FITS["sinusoids"].metrics)
    assert results["iteration"].tolist() == [10] * 8 + [20] * (8 + 2 * 64)
    assert results["frequency"].dtype == "Int64"
    amplitudes = results[results["metric"] == "normalised_amplitude"]
    assert amplitudes["frequency"].tolist() == [1, 3, 6] * 2
    assert results.query("metric == 'spectral_norm'")["layer"].tolist() == list("1234") * 2
    assert (results["n"] == 64).all()


def test_what_is_shown_is_what_the_loss_and_the_spectrum_are_of(tmp_path):
    rows = fit_sinusoids(job_of(tmp_path, 2, iterations=30, record_every=10, shown_at=[30]))
    last = [row for row in rows if row["parameter"].startswith("iteration=30")]
    learned, target = (
        np.array([row["value"] for row in last if row["metric"] == metric]) for metric in ("learned", "target")
    )
    assert target == pytest.approx(
        sum_of_sinusoids([1, 3, 6], [1, 1, 1], np.random.default_rng(2).uniform(size=3), 64), abs=1e-12
    )
    measured = {row["parameter"]: row["value"] for row in last if row["metric"] == "normalised_amplitude"}
    assert measured["iteration=30;frequency=3"] == pytest.approx(2 * abs(np.fft.fft(learned)[3]) / 64, rel=1e-12)
    assert next(row["value"] for row in last if row["metric"] == "loss") == pytest.approx(
        np.mean((learned - target) ** 2), rel=1e-5
    )


def test_repeats_that_are_trained_together_are_those_that_are_trained_alone(tmp_path):
    """Up to the order of sums, which differs between one matrix and a stack of them."""
    brief = {"iterations": 30, "record_every": 30}
    together = job_of(tmp_path, **brief)
    del together.spec["run"]["seed"]
    together.spec |= {"seeds": [0, 1, 2, 3]}
    rows = fit_sinusoids(together)
    for seed in (1, 3):
        alone = fit_sinusoids(job_of(tmp_path, seed, **brief))
        same = [row for row in rows if row["seed"] == seed]
        assert [(row["metric"], row["parameter"]) for row in same] == [(r["metric"], r["parameter"]) for r in alone]
        # Adam divides gradients by their own size, so that a last bit of a small one counts.
        assert [row["value"] for row in same] == pytest.approx([row["value"] for row in alone], rel=1e-3)
    values = [row["value"] for row in rows if row["metric"] == "loss"]
    assert len(set(values)) == 4


def test_a_seed_draws_its_own_phases_and_network(tmp_path):
    brief = {"iterations": 10, "record_every": 10}
    values = [[row["value"] for row in fit_sinusoids(job_of(tmp_path, seed, **brief))] for seed in (0, 1, 0)]
    assert values[0] == values[2]
    assert not set(values[0]) & set(values[1])


def test_a_target_that_the_network_can_represent_is_learned_exactly(tmp_path):
    """Four points are joined by lines that bend in two, as a few units do."""
    settings = {"frequencies": [1], "amplitudes": [0.5], "points": 4, "iterations": 1000, "record_every": 1000}
    loss, amplitude, *_ = fit_sinusoids(job_of(tmp_path, **settings, learning_rate=0.001))
    assert loss["value"] < 1e-6
    assert amplitude["value"] == pytest.approx(1, abs=1e-3)


def test_training_is_plain_adam_on_all_points(tmp_path):
    loss, *amplitudes = fit_sinusoids(job_of(tmp_path, 3, iterations=40, record_every=40))
    amplitudes, norms = amplitudes[:3], amplitudes[3:7]
    phases = np.random.default_rng(3).uniform(size=3)
    target = torch.tensor(sum_of_sinusoids([1, 3, 6], [1, 1, 1], phases, 64), dtype=torch.float32).unsqueeze(1)
    torch.manual_seed(3)
    layers = [torch.nn.Linear(*widths) for widths in ((1, 64), (64, 64), (64, 64), (64, 1))]
    optimizer = torch.optim.Adam([parameter for layer in layers for parameter in layer.parameters()], lr=0.003)

    def learned() -> torch.Tensor:
        values = torch.arange(64).unsqueeze(1) / 64
        for layer in layers[:-1]:
            values = torch.relu(layer(values))
        return layers[-1](values)

    for _ in range(40):
        optimizer.zero_grad()
        ((learned() - target) ** 2).mean().backward()
        optimizer.step()
    assert loss["value"] == pytest.approx(((learned() - target) ** 2).mean().item(), rel=1e-5)
    spectrum = np.fft.fft(learned().detach().double().numpy().ravel())
    expected = [2 * abs(spectrum[k]) / 64 for k in (1, 3, 6)]
    assert [row["value"] for row in amplitudes] == pytest.approx(expected, rel=1e-5)
    expected = [np.linalg.svd(layer.weight.detach().double().numpy(), compute_uv=False)[0] for layer in layers]
    assert [row["value"] for row in norms] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("iteration=10;frequency=1", "iteration=10", "which lacks frequency"),
        ("iteration=10;frequency=1", "iteration=ten;frequency=1", "which is not key=value pairs"),
        ("sinusoids,normalised", "sinusoid,normalised", "holds results of the suite sinusoid, where sinusoids is"),
        ("frequency=1,", "frequency=1,-", "holds a value outside [0, inf]"),
    ],
)
def test_damaged_results_are_refused(tmp_path, old, new, said):
    path = tmp_path / "results.csv"
    rows = fit_sinusoids(job_of(tmp_path, iterations=10))
    write_results(path, result_keys(job_of(tmp_path).spec["run"]), "sinusoids", rows)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        read_results([path], suite="sinusoids", known=FITS)
    assert said in str(caught.value)
