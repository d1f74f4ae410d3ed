"""Functions on a curve in the plane, against closed forms."""

from pathlib import Path

import numpy as np
import pytest
import torch

from filterfreq.fits.curves import flower
from filterfreq.fits.job import FitJob
from filterfreq.fits.manifold import classes, fit_classes, fit_surfaces
from filterfreq.fits.networks import build_network
from filterfreq.fits.sinusoids import sinusoid_inputs

SMALL = {
    "frequency": 2,
    "petals": 3,
    "threshold": 0.5,
    "points": 60,
    "iterations": 40,
    "record_every": 20,
    "learning_rate": 0.003,
}


def job_of(folder: Path, seeds: list[int], **settings) -> FitJob:
    run = {"fit": "curve", "network": "small", "variant": "plain", "seeds": "0-1"}
    network = {"widths": [16, 16], "activation": "relu"}
    spec = {"run": run, "seeds": seeds, "kind": "manifold", "network": network, "settings": SMALL | settings}
    return FitJob(spec, "code", torch.device("cpu"), folder / "training_state.pt")


def values_of(rows: list[dict], metric: str, seed: int) -> list[float]:
    return [row["value"] for row in rows if row["metric"] == metric and row["seed"] == seed]


def test_the_curve_swings_as_often_as_it_has_petals():
    radius = np.linalg.norm(flower(5, 1000), axis=1)
    assert (radius.min(), radius.max()) == pytest.approx((0.5, 1.5), abs=1e-12)
    # One petal at 5 / 4 of its period from the start: z = 1 / 20, where sin(2 pi 5 z) = 1.
    assert flower(5, 1000)[50] == pytest.approx([1.5 * np.cos(np.pi / 10), 1.5 * np.sin(np.pi / 10)], abs=1e-12)
    spectrum = np.abs(np.fft.rfft(radius - 1))
    assert spectrum.argmax() == 5
    assert np.linalg.norm(flower(0, 50), axis=1) == pytest.approx(np.ones(50), abs=1e-12)


def test_a_sum_of_sinusoids_is_put_on_the_curve_where_it_has_petals():
    assert sinusoid_inputs({"points": 8}).tolist() == [[j / 8] for j in range(8)]
    on_curve = sinusoid_inputs({"points": 8, "petals": 0})
    assert on_curve[2].tolist() == pytest.approx([0, 1], abs=1e-7)


def test_above_one_half_lies_a_third_of_a_period():
    assert classes(1, 0.0, 0.5, 30_000).mean() == pytest.approx(1 / 3, abs=1e-4)
    assert classes(7, 0.3, 0.0, 1000)[[0, 100]].tolist() == [True, bool(np.sin(2 * np.pi * 0.7 + 0.3) > 0)]
    # At N / 5 cycles the points see five phases, so that between one and two fifths are above one half.
    shares = {round(float(classes(200, phase, 0.5, 1000).mean()), 3) for phase in np.linspace(0, 6, 50)}
    assert shares == {0.2, 0.4}


def test_each_repeat_has_phases_accuracy_and_the_share_of_a_constant(tmp_path):
    rows = fit_classes(job_of(tmp_path, [4, 5]))
    for seed in (4, 5):
        share = classes(2, np.random.default_rng(seed).uniform(0, 2 * np.pi), 0.5, 60).mean()
        assert values_of(rows, "majority_share", seed) == [pytest.approx(1 - share)]
        assert len(values_of(rows, "accuracy", seed)) == len(values_of(rows, "cross_entropy", seed)) == 2
    assert values_of(rows, "cross_entropy", 4) != values_of(rows, "cross_entropy", 5)
    assert rows[0]["parameter"] == "iteration=20;frequency=2;petals=3"


def test_a_slow_function_is_classified_without_a_mistake(tmp_path):
    rows = fit_classes(job_of(tmp_path, [0], frequency=1, petals=0, iterations=600, record_every=600))
    assert values_of(rows, "accuracy", 0) == [1]


def test_the_surface_is_what_the_network_says_from_below(tmp_path):
    settings = {"iterations": 1, "record_every": 1, "learning_rate": 1e-12, "surface_points": 3}
    rows = fit_surfaces(job_of(tmp_path, [6], **settings))
    network = build_network({"widths": [16, 16], "activation": "relu"}, 2, 1, 6)
    logits = {row["parameter"]: row["value"] for row in rows if row["metric"] == "logit"}
    for row, y in enumerate((-1.6, 0, 1.6)):
        for column, x in enumerate((-1.6, 0, 1.6)):
            expected = network(torch.tensor([[float(x), float(y)]])).item()
            assert logits[f"row={row};column={column}"] == pytest.approx(expected, abs=1e-6)
    positive = [row["value"] for row in rows if row["metric"] == "positive"]
    assert positive == classes(2, np.random.default_rng(6).uniform(0, 2 * np.pi), 0.5, 60).tolist()
