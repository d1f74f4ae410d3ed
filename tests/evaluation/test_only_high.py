import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.evaluation.components import OnlyHigh
from filterfreq.evaluation.only_high import EXAMPLES, choose_examples, find_only_high
from filterfreq.evaluation.suites.frequency_filtered import evaluate_frequency_filtered

CLASSES = ["flat", "wave", "strong"]
SETTINGS = {"radii": {"low": [5, 2, 5.5], "high": [2, 5, 6]}, "images": 12, "rescale": "none", "keep_mean": False}


class Contrast(nn.Module):
    """The contrast of the first channel decides: up to 0.1 class 0, up to 0.6 class 1, above class 2."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        contrast = images[:, 0].amax(dim=(1, 2)) - images[:, 0].amin(dim=(1, 2))
        return -50 * torch.stack([(contrast - centre) ** 2 for centre in (-0.1, 0.3, 0.9)], dim=1)


@pytest.fixture
def images() -> np.ndarray:
    """Waves of five cycles, each with more contrast than the one before, from 0 to 0.55."""
    position = np.arange(16)
    wave = np.cos(2 * np.pi * (3 * position + 4 * position[:, None]) / 16)
    levels = 0.5 + 0.025 * np.arange(12)[:, None, None] * wave
    return np.repeat((255 * levels).round().astype(np.uint8)[..., None], 3, axis=3)


def test_the_list_by_hand(images):
    """Without clipping, what is left of the wave below radius 5 is grey, and of the high component all but the mean."""
    labels = np.where(np.arange(12) == 7, 0, 1)
    settings = {**SETTINGS, "clip": False}
    table, examples = find_only_high(Contrast(), images, labels, settings, CLASSES, 5, "cpu")
    # From 0.1 on a wave is of class 1; image 7 has another label; at radius 2 both components are as at radius 5.
    expected = [3, 4, 5, 6, 8, 9, 10, 11]
    assert table["image"].tolist() == 2 * expected
    assert table["radius"].tolist() == 8 * [5] + 8 * [2]
    assert set(table["class"]) == {"wave"}
    assert set(table["low_class"]) == {"flat"}
    contrast = 0.05 * np.array(expected)
    scores = np.exp([-50 * (contrast - centre) ** 2 for centre in (-0.1, 0.3, 0.9)])
    # Grey levels are whole numbers.
    np.testing.assert_allclose(table["confidence"][:8], scores[1] / scores.sum(axis=0), atol=0.02)
    np.testing.assert_allclose(table["high_confidence"], table["confidence"], atol=0.02)
    assert examples.counts.tolist() == [8, 8]
    assert examples.radii.tolist() == [5, 2]
    assert examples.total == 12
    # Those of a radius whose least confident answer is the most confident.
    assert len(examples.index) == 2 * EXAMPLES
    least = table[["confidence", "low_confidence", "high_confidence"]].min(axis="columns")[:8].to_numpy()
    assert examples.index[:EXAMPLES].tolist() == [expected[i] for i in np.argsort(-least, kind="stable")[:EXAMPLES]]
    original, low, high = examples.images.swapaxes(0, 1)
    np.testing.assert_allclose(original, images[examples.index] / 255, atol=1e-6)
    np.testing.assert_allclose(low + high, original, atol=1e-6)
    assert np.ptp(low, axis=(1, 2, 3)).max() < 0.02


def test_the_list_has_as_many_images_as_the_suite_counts(images):
    labels = np.arange(12) % 3
    options = {key: value for key, value in SETTINGS.items() if key != "images"}
    table, examples = find_only_high(Contrast(), images, labels, SETTINGS, CLASSES, 5, "cpu")
    rows = evaluate_frequency_filtered(
        Contrast(), images, labels, batch_size=7, device="cpu", only_high=True, **options
    )
    shares = [row["value"] for row in rows if row["metric"] == "only_high"]
    assert [count / 12 for count in examples.counts] == shares
    assert len(table) == examples.counts.sum() > 0


def test_each_class_has_an_example_before_another_has_two():
    """Of four images of class 0 and one of class 2, which is the least sure."""
    sure = np.array([0.9, 0.7, 0.95, 0.8, 0.6], np.float32)
    of_image = np.array([0, 0, 0, 0, 2])
    found = OnlyHigh(
        np.full(5, 4.0), np.arange(5), np.stack([of_image, of_image + 1, of_image], axis=1), np.tile(sure[:, None], 3)
    )
    assert choose_examples(found, 4.0).tolist() == [2, 4, 0]


def test_a_list_may_be_empty(images):
    table, examples = find_only_high(Contrast(), images, np.full(12, 2), SETTINGS, CLASSES, 5, "cpu")
    assert table.empty
    assert list(table) == [
        *("radius", "image", "class", "confidence", "low_class", "low_confidence", "high_confidence")
    ]
    assert examples.images.shape == (0, 3, 16, 16, 3)
    assert examples.counts.tolist() == [0, 0]
