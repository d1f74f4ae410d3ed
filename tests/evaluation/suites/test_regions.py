import numpy as np
import pytest
import torch
from scipy.stats import norm as normal
from torch import nn

from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.results import check_rows
from filterfreq.evaluation.suites.regions import evaluate_regions
from filterfreq.models.averaging.classifier import Average, AveragedClassifier
from filterfreq.models.classifier import Classifier

GREY = 128 / 255
EPSILON = 8 / 255
SETTINGS = {"norm": "linf", "epsilon": "8/255", "steps": 5}
IMAGES, LABELS = np.full((4, 32, 32, 3), 128, np.uint8), np.zeros(4, np.int64)


class Thresholds(nn.Module):
    """Two units for each value, above 0 where it is above a threshold; the more of that, the less class 0."""

    def __init__(self, *thresholds: float) -> None:
        super().__init__()
        self.thresholds = thresholds

    def forward(self, images):
        score = sum(torch.relu(images - threshold).sum(dim=(1, 2, 3)) for threshold in self.thresholds)
        return 0.1 * torch.stack([-score, score - 240], dim=1)


def evaluate(model, batch_size=3, images=IMAGES, labels=LABELS, **settings):
    rows = evaluate_regions(model, images, labels, batch_size, "cpu", SETTINGS | settings)
    check_rows(rows, "it", SUITES["regions"].metrics)
    return {(row["metric"], *[pair for pair in row["parameter"].split(";") if pair[:4] == "path"]): row for row in rows}


def test_an_attack_crosses_what_lies_within_epsilon():
    """It moves all values up, past the one threshold; those of a random direction move by N(0, epsilon)."""
    found = evaluate(Thresholds(GREY - 0.01, GREY + 0.02))
    assert found["relu_units",]["value"] == 2 * 3072
    assert found["norm_of_change",]["value"] == pytest.approx(EPSILON * 3072**0.5, rel=1e-4)
    assert found["crossed_units", "path=attack"]["value"] == 0.5
    expected = (normal.cdf(-0.01 / EPSILON) + normal.sf(0.02 / EPSILON)) / 2
    assert found["crossed_units", "path=random"]["value"] == pytest.approx(expected, abs=0.01)
    assert {row["n"] for row in found.values()} == {4}
    # The score is 3072 (0.01 + epsilon) + 3072 (epsilon - 0.02) = 162 at the one end and 70 at the other; 120 is wrong.
    assert found["error", "path=attack"]["value"] == 1
    assert found["error", "path=random"]["value"] == 0


def test_a_model_that_is_affine_all_around_crosses_nothing():
    found = evaluate(Thresholds(-1.0), norm="l2", epsilon="0.5")
    assert [row["value"] for (metric, *_), row in found.items() if metric == "crossed_units"] == [0, 0]
    assert found["norm_of_change",]["value"] == pytest.approx(0.5, rel=1e-5)


@pytest.fixture
def noisy():
    """Images of all greys, and a network that is not symmetric in anything."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 20), nn.ReLU(), nn.Linear(20, 5)]
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3)).astype(np.uint8)
    return Classifier(nn.Sequential(*layers), (0.5,) * 3, (0.25,) * 3), images, np.arange(5)


def averaged(classifier, length=1.0):
    return AveragedClassifier(classifier, [Average("random", 4, (length, -length))], "normalised", "softmax")


@pytest.mark.parametrize("change", [lambda model: model, averaged])
def test_the_batch_size_changes_nothing(noisy, change):
    model, *shown = noisy
    one, all_at_once = (
        {key: row["value"] for key, row in evaluate(change(model), size, *shown).items()} for size in (1, 5)
    )
    assert one == pytest.approx(all_at_once, rel=1e-4)


def test_units_of_an_average_are_those_of_its_network(noisy):
    model, *shown = noisy
    plain, found = evaluate(model, 5, *shown), evaluate(averaged(model), 5, *shown)
    assert found["relu_units",]["value"] == plain["relu_units",]["value"] == 144 + 20
    # Averages over points that are nearly the image give its own gradients.
    near = evaluate(averaged(model, length=1e-6), 5, *shown)
    values = {key: row["value"] for key, row in plain.items()}
    assert {key: row["value"] for key, row in near.items()} == pytest.approx(values, rel=0.02)


def test_an_average_is_attacked_through_all_of_its_points():
    """Its points see a threshold that the image itself is far from."""
    network = Thresholds(GREY + 0.5)
    model = Classifier(network, (0.0,) * 3, (1.0,) * 3)
    assert evaluate(model)["norm_of_change",]["value"] == 0
    found = evaluate(AveragedClassifier(model, [Average("noise", 4, (0.5, -0.5), centre=False)], "pixels", "softmax"))
    assert found["norm_of_change",]["value"] > 0.1 * EPSILON * 3072**0.5


def test_an_interrupted_evaluation_ends_with_the_same_rows(noisy, tmp_path):
    model, images, labels = noisy
    whole = evaluate_regions(model, images, labels, 2, "cpu", SETTINGS)
    first = Progress(tmp_path / "progress.json", "job")
    evaluate_regions(model, images, labels, 2, "cpu", SETTINGS, first)
    again = evaluate_regions(
        nn.Module(), images, labels, 2, "cpu", SETTINGS, Progress(tmp_path / "progress.json", "job")
    )
    np.testing.assert_equal(again, whole)
