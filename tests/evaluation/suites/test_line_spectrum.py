import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.evaluation.directions import uniform_directions
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.results import check_rows
from filterfreq.evaluation.suites.line_spectrum import evaluate_line_spectrum
from filterfreq.frequencies.averaging import shells_transfer
from filterfreq.models.averaging.classifier import Average, AveragedClassifier
from filterfreq.models.classifier import Classifier

SHAPE, LENGTH = (3, 4, 4), 4.0
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3)).astype(np.uint8)
DIRECTIONS = uniform_directions(range(5), SHAPE, "line 0")


class Cosine(nn.Module):
    """Class 0 has the logit cos(w.x), class 1 has 0."""

    def __init__(self, wave: torch.Tensor) -> None:
        super().__init__()
        self.wave = wave

    def forward(self, images):
        value = (images * self.wave).sum(dim=(1, 2, 3)).cos()
        return torch.stack([value, torch.zeros_like(value)], dim=1)


def classifier_of(wave, std=(1.0,) * 3):
    return Classifier(Cosine(wave), (0.0,) * 3, std)


def evaluate(model, images=IMAGES[:1], batch_size=3, length=LENGTH, unit="pixels", points=64, **settings):
    labels = np.zeros(len(images), np.int64)
    rows = evaluate_line_spectrum(model, images, labels, batch_size, "cpu", length, unit, points, **settings)
    check_rows(rows, "it", SUITES["line_spectrum"].metrics)
    assert {row["n"] for row in rows} == {len(images)}
    return rows


def curve(rows, output="logit", metric="line_power"):
    """Frequencies and values."""
    found = [(dict(pair.split("=") for pair in row["parameter"].split(";")), row) for row in rows]
    chosen = [(float(where["frequency"]), row["value"]) for where, row in found
              if where["output"] == output and row["metric"] == metric]  # fmt: skip
    return np.array(chosen).T


def test_directions_have_length_1_and_are_those_of_their_images():
    torch.testing.assert_close(DIRECTIONS.flatten(1).norm(dim=1), torch.ones(5))
    torch.testing.assert_close(uniform_directions(range(3, 5), SHAPE, "line 0"), DIRECTIONS[3:])
    assert (uniform_directions(range(5), SHAPE, "line 1") - DIRECTIONS).flatten(1).norm(dim=1).min() > 0.5
    assert (DIRECTIONS[0] - DIRECTIONS[1]).norm() > 0.5


def test_a_cosine_peaks_where_it_goes_along_the_line():
    """At |w.v| / 2 pi, with a power that is half of the amplitude's square, on three frequencies."""
    frequencies, power = curve(evaluate(classifier_of(2 * np.pi * 1.25 * DIRECTIONS[0])))
    np.testing.assert_allclose(frequencies, np.arange(1, 33) / (2 * LENGTH))
    assert frequencies[power.argmax()] == 1.25
    np.testing.assert_allclose(power[8:11], 0.5 * np.array([1, 4, 1]) / 6, rtol=1e-4)
    assert np.delete(power, [8, 9, 10]).max() < 1e-9


def test_shares_are_of_all_power_and_bands_keep_it():
    model = classifier_of(2 * np.pi * 20 * DIRECTIONS[0])
    rows = evaluate(model, points=512)
    frequencies, power = curve(rows)
    _, shares = curve(rows, metric="line_power_share")
    assert len(frequencies) <= 32
    assert shares.sum() == pytest.approx(1)
    # 160 cycles in the whole line.
    assert frequencies[shares.argmax()] == pytest.approx(20, rel=0.1)
    assert shares.argmax() == power.argmax()
    _, of_probability = curve(rows, "probability", "line_power_share")
    assert of_probability.sum() == pytest.approx(1)


def test_a_constant_has_no_power_and_no_shares():
    rows = evaluate(classifier_of(torch.zeros(SHAPE)))
    assert curve(rows)[1].max() == 0
    assert np.isnan(curve(rows, metric="line_power_share")[1]).all()


def test_a_normalised_unit_is_the_models_std_in_pixels():
    wave = 2 * np.pi * 0.5 * DIRECTIONS[0]
    halved = evaluate(classifier_of(wave, (0.5,) * 3), length=2 * LENGTH, unit="normalised")
    pixels = evaluate(classifier_of(wave, (0.5,) * 3))
    np.testing.assert_allclose(curve(halved)[1], curve(pixels)[1], rtol=1e-3, atol=1e-9)
    np.testing.assert_allclose(curve(halved)[0], curve(pixels)[0] / 2)


def test_averaging_lowers_power_by_its_squared_transfer_function():
    """Along a line an average is one function: what it does to a cosine it does alike on all three frequencies."""
    wave = 2 * np.pi * 1.25 * DIRECTIONS[0]
    plain = classifier_of(wave)
    lengths, count = (0.2, 0.4, 0.6), 400
    average = Average("random", count, tuple(sign * length for length in lengths for sign in (1, -1)))
    averaged = AveragedClassifier(plain, [average], "pixels", "logit")
    ratio = curve(evaluate(averaged))[1][8:11] / curve(evaluate(plain))[1][8:11]
    np.testing.assert_allclose(ratio, ratio[1], rtol=1e-3)
    expected = shells_transfer(np.linalg.norm(wave), lengths, count, 48) ** 2
    assert 0.2 < expected < 0.8
    assert ratio[1] == pytest.approx(expected, abs=0.05)
    high = curve(evaluate(averaged))[1]
    assert np.delete(high, [8, 9, 10]).max() < 1e-9


@pytest.mark.parametrize("has_draws", [False, True])
def test_the_batch_size_changes_nothing(has_draws):
    model = classifier_of(2 * np.pi * DIRECTIONS[2])
    if has_draws:
        model = AveragedClassifier(model, [Average("random", 3, (0.5, -0.5))], "pixels", "softmax")
    one, all_at_once = (curve(evaluate(model, IMAGES, size, lines=2))[1] for size in (1, 5))
    np.testing.assert_allclose(one, all_at_once, rtol=1e-3, atol=1e-9)


def test_more_lines_are_averaged():
    """The second line is the one that the cosine goes along."""
    model = classifier_of(2 * np.pi * 1.25 * uniform_directions(range(1), SHAPE, "line 1")[0])
    first, both = (curve(evaluate(model, lines=lines))[1] for lines in (1, 2))
    np.testing.assert_allclose((2 * both - first)[8:11], 0.5 * np.array([1, 4, 1]) / 6, rtol=1e-4)
    assert first[8:11].max() < 0.01


def test_an_interrupted_evaluation_ends_with_the_same_rows(tmp_path):
    model = classifier_of(2 * np.pi * DIRECTIONS[0])
    whole = evaluate(model, IMAGES, progress=Progress(tmp_path / "progress.json", "job"))
    again = evaluate(nn.Module(), IMAGES, progress=Progress(tmp_path / "progress.json", "job"))
    np.testing.assert_equal(again, whole)
