import numpy as np
import pytest
from publishing.test_figures import check_layout

from filterfreq.publishing.figures.components import Examples, draw, read_examples
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import replacing_with_checksum

CLASSES = ["0 brick", "1 a very long name", "2 gravel"]
VARIANTS = {"plain": "plain", "dct": "a label that is longer than one line"}


def arrays_of(counts, side=8, channels=3):
    """Examples of the radii 4 and 8: up to two of each."""
    radius = np.repeat([4.0, 8.0], np.minimum(counts, 2))
    rng = np.random.default_rng(0)
    return {
        "radius": radius,
        "index": np.arange(len(radius)),
        "images": rng.uniform(-1, 1, (len(radius), 3, side, side, channels)).astype(np.float32),
        "predictions": np.tile([1, 2, 1], (len(radius), 1)),
        "confidences": np.tile(np.float32([0.91, 0.5, 0.995]), (len(radius), 1)),
        "radii": np.array([4.0, 8.0]),
        "counts": np.array(counts),
        "total": np.array(100),
    }


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def test_images_and_components_with_their_answers():
    figure = draw(Examples([arrays_of([0, 5]), arrays_of([3, 1])], CLASSES), VARIANTS)
    check_layout(figure)
    # Both variants have images at radius 8 alone.
    assert "radius 8;" in figure.get_suptitle().replace("\n", " ")
    answers = ["✓ 1 a very\nlong name\n91 %", "✗ 2 gravel\n50 %", "✓ 1 a very\nlong name\n100 %"]
    found = [text.replace("\n", " ") for text in texts(figure)]
    assert found == 3 * [answer.replace("\n", " ") for answer in answers]
    names = [label.get_text().replace("\n", " ") for label in figure.axes[0].get_yticklabels()]
    assert names[0] == "plain 5.0 % of images"
    assert names[1].endswith("1.0 % of images")
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == 2 * ["image", "low", "high"]


def test_the_high_component_is_round_grey_with_its_full_contrast():
    arrays = arrays_of([1, 0])
    arrays["images"][0, 2] = 0.3
    arrays["images"][0, 2, 0, 0], arrays["images"][0, 2, 1, 1] = 0.4, 0.2
    figure = draw(Examples([arrays], CLASSES), {"plain": "plain"})
    canvas = np.asarray(figure.axes[0].images[0].get_array())
    high = canvas[:8, -8:]
    assert high[4, 4].tolist() == [128] * 3
    assert high[0, 0].tolist() == [255] * 3
    assert high[1, 1].tolist() == [0] * 3


def test_a_study_without_such_images_says_so_by_its_shares():
    figure = draw(Examples([arrays_of([0, 0])], CLASSES), {"plain": "plain"})
    check_layout(figure)
    assert not texts(figure)
    assert "0.0 % of images" in figure.axes[0].get_yticklabels()[0].get_text()


def test_examples_of_other_radii_or_classes_are_refused():
    other = {**arrays_of([1, 1]), "radii": np.array([4.0, 12.0])}
    for arrays, classes in (([arrays_of([1, 1]), other], CLASSES), ([arrays_of([1, 1])] * 2, CLASSES[:2])):
        with pytest.raises(InputError, match=f"than one of {len(classes)} classes: delete their files and run again"):
            draw(Examples(arrays, classes), VARIANTS)


class TestReadExamples:
    @pytest.fixture
    def path(self, tmp_path):
        with replacing_with_checksum(tmp_path / "a.npz") as temporary:
            np.savez(temporary, **arrays_of([1, 1]))
        return tmp_path / "a.npz"

    def test_arrays(self, path):
        assert read_examples(path)["counts"].tolist() == [1, 1]

    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("images", lambda array: array * np.nan),
            ("images", lambda array: array[..., 0]),
            ("images", lambda array: array[:1]),
            ("predictions", lambda array: array - 2),
            ("confidences", lambda array: array[:, :2]),
            ("counts", lambda array: array[:1]),
        ],
    )
    def test_impossible_values(self, path, name, change):
        arrays = arrays_of([1, 1])
        np.savez(path, **{**arrays, name: change(arrays[name])})
        with pytest.raises(InputError, match=r"a\.npz is damaged .*: delete it and run again"):
            read_examples(path)

    def test_damaged_or_changed(self, path, tmp_path):
        with pytest.raises(InputError, match=r"b\.npz is missing"):
            read_examples(tmp_path / "b.npz")
        whole = path.read_bytes()
        path.write_bytes(whole[:200])
        with pytest.raises(InputError, match=r"a\.npz is damaged .*: delete it and run again"):
            read_examples(path)
        np.savez(path, **{**arrays_of([1, 1]), "total": np.array(99)})
        with pytest.raises(InputError, match=r"a\.npz was changed since it was written"):
            read_examples(path)
