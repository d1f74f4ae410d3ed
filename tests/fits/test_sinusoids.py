"""Sums of sinusoids against closed forms, and what the paper claims of them on a small network."""

from pathlib import Path

import numpy as np
import pytest
import torch

from filterfreq.evaluation.results import read_results, write_results
from filterfreq.fits.job import FitJob, result_keys
from filterfreq.fits.registry import FITS
from filterfreq.fits.results import read_fit
from filterfreq.fits.sinusoids import fit_sinusoids, normalised_amplitudes, sum_of_sinusoids

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


@pytest.mark.parametrize("amplitudes", [[1, 1, 1], [0.4, 0.7, 1]], ids=["equal", "rising"])
def test_low_frequencies_are_learned_first_also_where_high_ones_are_larger(amplitudes, tmp_path):
    """The claim of the paper: when half of each amplitude is learned for the first time."""
    torch.set_num_threads(1)
    for seed in range(3):
        rows = fit_sinusoids(job_of(tmp_path, seed, amplitudes=amplitudes))
        write_results(tmp_path / "results.csv", result_keys(job_of(tmp_path, seed).spec["run"]), "sinusoids", rows)
        learned = read_fit([tmp_path / "results.csv"]).query("metric == 'normalised_amplitude' and value > 0.5")
        first = learned.groupby("frequency")["iteration"].min().reindex(SMALL["frequencies"]).fillna(10**6).tolist()
        assert first[0] * 2 <= first[1]
        assert first[1] * 1.5 <= first[2]


def test_each_record_has_the_loss_and_all_amplitudes(tmp_path):
    settings = {"iterations": 25, "record_every": 10}
    job = job_of(tmp_path, 5, **settings)
    write_results(tmp_path / "results.csv", result_keys(job.spec["run"]), "sinusoids", fit_sinusoids(job))
    read_results([tmp_path / "results.csv"], [("sums", "small", "plain", 5)], "sinusoids")
    results = read_fit([tmp_path / "results.csv"])
    assert set(results["metric"]) == set(FITS["sinusoids"].parameters)
    assert results["iteration"].tolist() == [10] * 4 + [20] * 4
    assert results["frequency"].dtype == "Int64"
    amplitudes = results[results["metric"] == "normalised_amplitude"]
    assert amplitudes["frequency"].tolist() == [1, 3, 6] * 2
    assert (results["n"] == 64).all()


def test_a_seed_draws_its_own_phases_and_network(tmp_path):
    brief = {"iterations": 10, "record_every": 10}
    values = [[row["value"] for row in fit_sinusoids(job_of(tmp_path, seed, **brief))] for seed in (0, 1, 0)]
    assert values[0] == values[2]
    assert not set(values[0]) & set(values[1])
