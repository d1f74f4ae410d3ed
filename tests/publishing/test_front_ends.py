import numpy as np
import pytest

from filterfreq.publishing.example_images import ResultsWithImages
from filterfreq.publishing.figures.front_ends import draw
from filterfreq.runtime.errors import InputError

LABELS = {"plain": "plain", "dct": "DCT", "low-3": "low 3", "low-7": "low 7", "high-7": "high 7", "dct-3": "DCT, low 3"}
FRONT_ENDS = {
    "low-3": {"band": "low", "bandwidth": 3, "beside": "plain"},
    "low-7": {"band": "low", "bandwidth": 7, "beside": "plain"},
    "high-7": {"band": "corner", "bandwidth": 7, "beside": "plain"},
    "dct-3": {"band": "low", "bandwidth": 3, "beside": "DCT"},
}
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def shown(results_of) -> ResultsWithImages:
    """Two seeds of each variant, a hundredth apart."""
    accuracies = {"plain": 0.9, "dct": 0.8, "low-3": 0.4, "low-7": 0.7, "high-7": 0.2, "dct-3": 0.3}
    rows = [
        ("net", name, seed, "clean", "accuracy", {"split": "test"}, value + 0.01 * seed)
        for name, value in accuracies.items()
        for seed in (0, 1)
    ]
    return ResultsWithImages(results_of(rows), IMAGES)


def test_a_line_joins_the_bandwidths_of_a_filter_and_others_go_across(shown):
    figure = draw(shown, LABELS, FRONT_ENDS, {name: number for number, name in enumerate(LABELS)})
    lines = {
        tuple(line.get_xdata()): np.round(line.get_ydata(), 4).tolist()
        for line in figure.axes[0].lines
        if len(line.get_xdata())
    }
    assert lines[3, 7] == [0.405, 0.705]
    assert lines[7,] == [0.205]
    assert lines[3,] == [0.305]
    across = {round(line.get_ydata()[0], 4) for line in figure.axes[0].lines if list(line.get_xdata()) == [0, 1]}
    assert across == {0.905, 0.805}
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert legend == {*("plain", "DCT", "plain, low pass", "DCT, low pass", "plain, high pass")}
    colours = [handle.get_color() for handle in figure.legends[0].legend_handles]
    assert len(set(colours)) == 5


def test_examples_are_what_the_filters_leave(shown):
    figure = draw(shown, LABELS, FRONT_ENDS)
    low, corner = (axes.images[0].get_array() for axes in figure.axes[1:])
    assert [axes.get_xlabel() for axes in figure.axes[1:]] == [*("low pass, bandwidth", "high pass, bandwidth")]
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()] == ["3", "7"]
    shifted = np.fft.fftshift(np.fft.fft2(IMAGES / 255, axes=(1, 2)), axes=(1, 2))
    kept = np.zeros((8, 8, 1))
    kept[1:8, 1:8] = 1
    expected = np.fft.ifft2(np.fft.ifftshift(shifted * kept, axes=(1, 2)), axes=(1, 2)).real
    np.testing.assert_allclose(low[:8, 9:17], 255 * expected[0].clip(0, 1), atol=0.51)
    # Round the highest frequency, which is at -4: all but what is 0 in some direction.
    kept = np.ones((8, 8, 1))
    kept[4], kept[:, 4] = 0, 0
    expected = np.fft.ifft2(np.fft.ifftshift(shifted * kept, axes=(1, 2)), axes=(1, 2)).real
    expected = (expected[1] - expected[1].mean()) / (4 * expected[1].std()) + 0.5
    np.testing.assert_allclose(corner[-8:, :8], 255 * expected.clip(0, 1), atol=0.51)


def test_results_without_any_front_end_are_refused(shown):
    with pytest.raises(InputError, match="no results of a variant with a front end: run its evaluations"):
        draw(shown, {"plain": "plain"}, FRONT_ENDS)
