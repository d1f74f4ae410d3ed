import doctest
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from oracles.heat_map import heat_map
from torch import nn

from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.results import check_rows
from filterfreq.evaluation.suites.fourier_attack import evaluate_fourier_attack
from filterfreq.evaluation.suites.fourier_heat_map import evaluate_heat_map
from filterfreq.frequencies.fourier import fourier_basis_vector
from filterfreq.frequencies.pairs import distinct_frequencies, mirror
from filterfreq.runtime.errors import InputError


class Linear(nn.Module):
    """Two classes, told apart by the sign of a linear function of the image."""

    def __init__(self, weight: torch.Tensor, threshold: float) -> None:
        super().__init__()
        self.score = nn.Linear(weight.numel(), 1, dtype=torch.float64)
        self.score.weight.data = weight.reshape(1, -1)
        self.score.bias.data = torch.tensor([-threshold], dtype=torch.float64)
        self.batches: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.batches.append(images)
        score = self.score(images.double().flatten(1))
        return torch.cat([-score, score], dim=1)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(100, 156, (7, 8, 8, 3)).astype(np.uint8)


@pytest.fixture
def model() -> Linear:
    weight = torch.from_numpy(np.random.default_rng(1).normal(size=(3, 8, 8)))
    return Linear(weight, 0.5 * weight.sum().item())


def measured(rows, metric):
    found = {}
    for row in rows:
        if row["metric"] == metric:
            pairs = dict(pair.split("=") for pair in row["parameter"].split(";"))
            found[int(pairs["u"]), int(pairs["v"])] = row["value"]
    return found


def test_the_map_of_a_linear_classifier_by_hand(model, images):
    """The score moves by exactly norm times the sum over channels of sign times <w, U>."""
    labels = np.array([0, 1, 0, 1, 0, 1, 0])
    rows = evaluate_heat_map(model, images, labels, 3, "cpu", norm=0.5, clip=False, layer="score")
    check_rows(rows, "it", SUITES["fourier_heat_map"].metrics)
    signs = np.random.default_rng(0).integers(0, 2, (7, 3)) * 2 - 1
    weight = model.score.weight.detach().reshape(3, 8, 8)
    scores = model.score(torch.from_numpy(images / 255).permute(0, 3, 1, 2).reshape(7, -1)).detach().numpy()[:, 0]
    errors, changes = measured(rows, "error"), measured(rows, "layer_change")
    assert set(errors) == set(distinct_frequencies(8, 8))
    assert len({round(7 * value) for value in errors.values()} - {0, 7}) > 0
    for frequency in errors:
        products = (weight * fourier_basis_vector(8, 8, *frequency)).sum(dim=(1, 2)).numpy()
        moves = 0.5 * signs @ products
        assert errors[frequency] == ((scores + moves > 0) != labels.astype(bool)).mean()
        assert changes[frequency] == pytest.approx(np.abs(moves).mean(), abs=1e-5)
    assert measured(rows, "norm_of_change") == pytest.approx(dict.fromkeys(errors, 0.5), abs=1e-5)


@pytest.mark.parametrize("batch_size", [2, 7])
def test_the_attack_of_a_linear_classifier_by_hand(model, images, batch_size):
    """The best single vector has the largest error of the map; an image is fooled where some vector moves it across."""
    labels = np.array([0, 1, 0, 1, 0, 1, 0])
    rows = evaluate_fourier_attack(model, images, labels, batch_size, "cpu", norms=[0.01, 0.05], clip=False)
    check_rows(rows, "it", SUITES["fourier_attack"].metrics)
    signs = np.random.default_rng(0).integers(0, 2, (7, 3)) * 2 - 1
    weight = model.score.weight.detach().reshape(3, 8, 8)
    scores = model.score(torch.from_numpy(images / 255).permute(0, 3, 1, 2).reshape(7, -1)).detach().numpy()[:, 0]
    frequencies = distinct_frequencies(8, 8)
    vectors = torch.stack([fourier_basis_vector(8, 8, *one) for one in frequencies])
    products = torch.einsum("chw,fhw->cf", weight, vectors).numpy()
    for number, norm in enumerate((0.01, 0.05)):
        wrong = (scores[:, None] + norm * signs @ products > 0) != labels.astype(bool)[:, None]
        universal, fooled = rows[2 * number : 2 * number + 2]
        best = wrong.mean(axis=0).argmax()
        assert universal["value"] == wrong.mean(axis=0).max()
        assert universal["parameter"] == f"l2_norm={norm};u={frequencies[best][0]};v={frequencies[best][1]}"
        assert (fooled["value"], fooled["parameter"]) == (wrong.any(axis=1).mean(), f"l2_norm={norm}")
    assert rows[1]["value"] < rows[3]["value"]


@pytest.mark.parametrize("shape", [(8, 8), (6, 7)])
def test_the_map_is_that_of_a_loop_over_every_entry(shape):
    """Mirrored entries, which are not computed, have the error that the released code's loop finds there."""
    rng = np.random.default_rng(1)
    images, labels = rng.integers(0, 256, (9, *shape, 3), dtype=np.uint8), rng.integers(0, 4, 9)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(4)).eval()
    signs = np.random.default_rng(0).integers(0, 2, (9, 3)) * 2 - 1
    expected = heat_map(network, images, labels, signs, 3.0, 4, "cpu")
    errors = measured(evaluate_heat_map(network, images, labels, 5, "cpu", norm=3), "error")
    height, width = shape
    found = np.full(shape, np.nan)
    for frequency, error in errors.items():
        for u, v in (frequency, mirror(height, width, *frequency)):
            found[u + height // 2, v + width // 2] = error
    assert len(np.unique(expected)) > 3
    np.testing.assert_array_equal(found, expected)


def test_clipping_keeps_images_images_and_says_what_is_left(model, images):
    rows = evaluate_heat_map(model, images, np.zeros(7, np.int64), 7, "cpu", norm=20)
    assert min(batch.min() for batch in model.batches) == 0
    assert max(batch.max() for batch in model.batches) == 1
    left = measured(rows, "norm_of_change")
    assert 0 < min(left.values()) < max(left.values()) < 8


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_maps_are_paired_whatever_the_batches(model, images, batch_size):
    """All frequencies, and every other model, see the same images with the same signs."""
    labels = np.zeros(7, np.int64)
    expected = evaluate_heat_map(model, images, labels, 7, "cpu", norm=2)
    found = evaluate_heat_map(model, images, labels, batch_size, "cpu", norm=2)
    assert measured(found, "error") == measured(expected, "error")
    assert measured(found, "norm_of_change") == pytest.approx(measured(expected, "norm_of_change"), rel=1e-6)
    few = evaluate_heat_map(model, images, labels, batch_size, "cpu", norm=2, highest_frequency=1)
    assert list(measured(few, "error")) == distinct_frequencies(8, 8, 1)
    assert measured(few, "error").items() <= measured(expected, "error").items()


def test_a_map_that_was_interrupted_goes_on_to_the_same_values(model, images, tmp_path):
    labels = np.zeros(7, np.int64)
    expected = evaluate_heat_map(model, images, labels, 2, "cpu", norm=1, progress=Progress(tmp_path / "whole.json", 1))

    class StoppedError(Exception):
        pass

    class Stops(Linear):
        def forward(self, shown: torch.Tensor) -> torch.Tensor:
            if len(self.batches) == 60:
                raise StoppedError
            return super().forward(shown)

    stops = Stops(model.score.weight.detach(), -model.score.bias.item())
    file = tmp_path / "stopped.json"
    with pytest.raises(StoppedError):
        evaluate_heat_map(stops, images, labels, 2, "cpu", norm=1, progress=Progress(file, 1))
    lines = []
    model.batches.clear()
    again = evaluate_heat_map(model, images, labels, 2, "cpu", norm=1, progress=Progress(file, 1, lines.append))
    assert again == expected
    assert lines == [f"goes on after 1 finished batches, kept in {file}"]
    assert len(model.batches) == 3 * len(distinct_frequencies(8, 8))


def test_bad_settings_are_refused(model, images):
    with pytest.raises(InputError, match="the highest frequency 5 is not in an image of 8 x 8: give 0 to 4"):
        evaluate_heat_map(model, images, np.zeros(7), 7, "cpu", norm=1, highest_frequency=5)
    said = r"^evaluation\.fourier_heat_map\.layer: unknown layer 'scores': did you mean 'score'"
    with pytest.raises(InputError, match=said):
        evaluate_heat_map(model, images, np.zeros(7), 7, "cpu", norm=1, layer="scores")


@pytest.mark.parametrize("norm", [0, -1, np.nan, np.inf])
def test_a_norm_that_is_none_is_refused(model, images, norm):
    said = f"^the norm {norm:g} of a change is not a number above 0: "
    with pytest.raises(InputError, match=said):
        evaluate_heat_map(model, images, np.zeros(7), 7, "cpu", norm=norm)
    with pytest.raises(InputError, match=said):
        evaluate_fourier_attack(model, images, np.zeros(7), 7, "cpu", norms=[1, norm])


class Attends(nn.Module):
    """Has a layer with two outputs, one that never runs, and one without a dimension of images."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = nn.GRU(8, 2, batch_first=True)
        self.auxiliary = nn.Linear(2, 2)
        self.flat = nn.Flatten(0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = self.pair(images[:, 0])[0][:, -1]
        return self.flat(found).reshape(found.shape)


@pytest.mark.parametrize(
    ("layer", "said"),
    [("pair", "'pair' has another output"), ("flat", "'flat' has another"), ("auxiliary", "'auxiliary' never runs")],
)
def test_layers_without_a_change_of_their_output_are_refused(images, layer, said):
    with pytest.raises(InputError, match=rf"^evaluation\.fourier_heat_map\.layer: {said}.*, name a layer that"):
        evaluate_heat_map(Attends(), images, np.zeros(7), 7, "cpu", norm=1, layer=layer)


def test_the_change_of_a_layer_is_that_before_a_relu_in_place(images):
    def changes(inplace: bool) -> dict:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace), nn.Flatten(), nn.Linear(144, 2))
        rows = evaluate_heat_map(network, images, np.zeros(7), 4, "cpu", norm=1, layer="0")
        return measured(rows, "layer_change")

    assert changes(inplace=True) == changes(inplace=False)


def test_the_worked_example_of_the_docs(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    page = Path(__file__).parents[3] / "docs" / "heat-maps.md"
    outcome = doctest.testfile(str(page), module_relative=False)
    assert outcome.failed == 0
    assert outcome.attempted > 5
