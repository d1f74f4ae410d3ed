"""What is left of a spectrum after a change of all parameters, where it is known."""

from pathlib import Path

import numpy as np
import pytest
import torch

from filterfreq.fits.job import FitJob
from filterfreq.fits.networks import build_network
from filterfreq.fits.perturbed_sinusoids import fit_perturbed_sinusoids, kept_amplitudes

SETTINGS = {
    "frequencies": [1, 3],
    "amplitudes": [1, 1],
    "points": 32,
    "iterations": 20,
    "record_every": 20,
    "learning_rate": 0.003,
    "norms": 3,
    "largest_norm": 2.0,
    "draws": 4,
}


def test_nothing_changes_at_norm_zero_and_each_repeat_has_all_norms(tmp_path: Path):
    spec = {
        "run": {"fit": "f", "network": "n", "variant": "v", "seeds": "0-1"},
        "seeds": [0, 1],
        "kind": "perturbed_sinusoids",
        "network": {"widths": [16, 16], "activation": "relu"},
        "settings": SETTINGS,
    }
    rows = fit_perturbed_sinusoids(FitJob(spec, "code", torch.device("cpu"), tmp_path / "training_state.pt"))
    for seed in (0, 1):
        kept = {row["parameter"]: row["value"] for row in rows if row["seed"] == seed and row["metric"] != "loss"}
        assert list(kept) == [f"norm={norm};frequency={k}" for norm in (0, 1, 2) for k in (1, 3)]
        assert (kept["norm=0;frequency=1"], kept["norm=0;frequency=3"]) == pytest.approx((1, 1), abs=1e-12)
        assert kept["norm=2;frequency=1"] != pytest.approx(1, abs=0.01)


def test_of_a_linear_network_the_amplitudes_change_by_the_weight():
    """f = w x + b has the spectrum of x times w at every k > 0; on the circle of directions w changes by norm cos t."""
    network = torch.nn.Linear(1, 1)
    with torch.no_grad():
        network.weight.fill_(1.0)
    before = [parameter.clone() for parameter in network.parameters()]
    inputs = torch.rand(16, 1)
    kept = kept_amplitudes(network, inputs, [1, 5], np.array([0.0, 0.5, 3.0]), 4000, seed=0)
    angles = np.linspace(0, 2 * np.pi, 100_001)
    for number, norm in enumerate((0.0, 0.5, 3.0)):
        expected = np.abs(1 + norm * np.cos(angles)).mean()
        assert kept[number] == pytest.approx([expected] * 2, rel=0.05)
        assert kept[number, 0] == pytest.approx(kept[number, 1], rel=1e-4)
    assert all(old.equal(new) for old, new in zip(before, network.parameters(), strict=True))


def test_directions_are_those_of_the_seed():
    network = build_network({"widths": [8], "activation": "tanh"}, 1, 1, 0)
    inputs = torch.arange(16).unsqueeze(1) / 16
    kept = [kept_amplitudes(network, inputs, [2], np.array([1.0]), 3, seed).item() for seed in (0, 1, 0)]
    assert kept[0] == kept[2] != kept[1]
