import numpy as np
import pytest

from filterfreq.publishing.figures import data_fraction, label_noise
from filterfreq.runtime.errors import InputError

LABELS = {"plain": "plain", "conv": "ConvNorm", "s-2": "sym 20", "s-4": "sym 40", "a-4": "asym 40", "c-4": "conv 40"}
NOISES = {
    "s-2": {"noise": "symmetric", "rate": 0.2, "beside": "plain"},
    "s-4": {"noise": "symmetric", "rate": 0.4, "beside": "plain"},
    "a-4": {"noise": "asymmetric", "rate": 0.4, "flips": "released", "beside": "plain"},
    "c-4": {"noise": "symmetric", "rate": 0.4, "beside": "ConvNorm"},
}
ACCURACIES = {"plain": 0.9, "conv": 0.8, "s-2": 0.7, "s-4": 0.5, "a-4": 0.4, "c-4": 0.6}


@pytest.fixture
def results(results_of):
    """Two seeds of each variant, two hundredths apart."""
    return results_of(
        [
            ("net", name, seed, "clean", "accuracy", {"split": "test"}, value + 0.02 * seed)
            for name, value in ACCURACIES.items()
            for seed in (0, 1)
        ]
    )


def drawn(axes):
    """The points of each line, by its colour in the order of the legend."""
    return [list(zip(line.get_xdata(), np.round(line.get_ydata(), 4), strict=True)) for line in axes.lines]


def test_a_line_for_each_method_and_a_panel_for_each_noise(results):
    figure = label_noise.draw(results, LABELS, NOISES)
    symmetric, asymmetric = (axes for axes in figure.axes if axes.axison)
    assert symmetric.get_title() == "symmetric noise"
    assert asymmetric.get_title().replace("\n", " ") == "asymmetric noise, flips as released"
    assert [(0, 0.91), (20, 0.71), (40, 0.51)] in drawn(symmetric)
    assert [(0, 0.81), (40, 0.61)] in drawn(symmetric)
    assert [(0, 0.91), (40, 0.41)] in drawn(asymmetric)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["plain", "ConvNorm"]
    assert symmetric.get_xlabel() == "label noise (%)"


def test_all_images_are_at_the_right_of_their_fractions(results):
    fractions = {"s-2": {"fraction": 0.05, "beside": "plain"}, "s-4": {"fraction": 0.5, "beside": "plain"}}
    labels = {name: LABELS[name] for name in ("plain", *fractions)}
    figure = data_fraction.draw(results, labels, fractions)
    assert drawn(figure.axes[0])[0] == [(5, 0.71), (50, 0.51), (100, 0.91)]
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["5", "50", "100"]


def test_results_without_any_noise_are_refused(results):
    with pytest.raises(InputError, match="no results of a variant with label noise"):
        label_noise.draw(results[results["variant"] == "plain"], LABELS, NOISES)
