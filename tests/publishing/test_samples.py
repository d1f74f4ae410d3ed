import numpy as np
import pytest
from publishing.test_figures import check_layout

from filterfreq.data.registry import IMAGENET_NAMES
from filterfreq.evaluation.corruptions import CORRUPTIONS
from filterfreq.publishing.figures.corruption_samples import corruption_sheet
from filterfreq.publishing.figures.perturbations import draw_examples, read_perturbations
from filterfreq.publishing.figures.samples import contact_sheet
from filterfreq.publishing.style import TEXT_WIDTH
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import replacing_with_checksum

CLASSES = ["0 brick", "1 a very long name", "2 gravel"]
VARIANTS = {"plain": "plain", "dct": "WD", "absent": "absent"}


def flat(values, side: int = 32) -> np.ndarray:
    """Images of one grey each, uint8."""
    return np.repeat(np.asarray(values, np.uint8), 3 * side * side).reshape(-1, side, side, 3)


def picture(axes) -> np.ndarray:
    return np.asarray(axes.images[0].get_array())


class TestContactSheet:
    def test_first_images_of_each_class(self):
        labels = np.array([2, 0, 1, 0, 1, 2, 0])
        images = flat(10 * np.arange(7))
        figure = contact_sheet({"train": (images, labels), "test": (images + 100, labels)}, CLASSES, examples=2)
        train, test = figure.axes
        columns = [int(x) for x in train.get_xticks()]
        assert picture(train)[16, columns, 0].tolist() == [10, 20, 0]
        assert picture(train)[16 + 34, columns, 0].tolist() == [30, 40, 50]
        assert picture(test)[16, columns, 0].tolist() == [110, 120, 100]
        assert [axes.get_ylabel() for axes in figure.axes] == ["train", "test"]
        assert [label.get_text().replace("\n", " ") for label in train.get_xticklabels()] == CLASSES

    def test_textures_are_named(self):
        labels, textures = np.array([0, 1, 2]), np.array([2, 0, 1])
        figure = contact_sheet(
            {"cue conflict": (flat([1, 2, 3]), labels)}, CLASSES, {"cue conflict": textures}, examples=1
        )
        texts = [text.get_text() for text in figure.axes[0].texts]
        assert texts == ["2 gravel", "0 brick", "1 a very\nlong name"]
        assert figure.axes[0].get_ylabel().replace("\n", " ") == "cue conflict (under an image: its texture)"

    def test_one_image_of_each_class_in_small(self):
        labels = np.arange(10)
        splits = dict.fromkeys(("train", "test", "cue conflict"), (flat(10 * labels), labels))
        figure = contact_sheet(splits, [f"{i} texture" for i in labels], {"cue conflict": labels})
        assert figure.get_figwidth() <= TEXT_WIDTH
        assert figure.get_figheight() < 0.4 * TEXT_WIDTH
        check_layout(figure)

    def test_wordnet_numbers_are_named(self):
        numbers = list(IMAGENET_NAMES)
        labels = np.array([0, 2, 999])
        figure = contact_sheet({"cue conflict": (flat([1, 2, 3]), labels)}, numbers, {"cue conflict": labels})
        names = ["tench", "great white shark", "toilet tissue"]
        shown = [label.get_text().replace("\n", " ") for label in figure.axes[0].get_xticklabels()]
        assert shown == names
        assert [text.get_text().split()[0] for text in figure.axes[0].texts] == ["tench", "great", "toilet"]
        check_layout(figure)

    def test_of_many_classes_ten(self):
        classes = [f"class {i}" for i in range(100)]
        figure = contact_sheet({"test": (flat(np.arange(100), side=8), np.arange(100))}, classes)
        shown = [label.get_text() for label in figure.axes[0].get_xticklabels()]
        assert shown == [f"class {i}" for i in range(0, 100, 11)]

    def test_classes_without_images_are_left_out(self):
        classes = [f"class {i}" for i in range(1000)]
        figure = contact_sheet({"test": (flat([1, 2, 3], side=8), np.array([7, 500, 7]))}, classes, examples=1)
        assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["class 7", "class 500"]
        with pytest.raises(InputError, match="no class has an image in every split"):
            contact_sheet({"a": (flat([1]), np.array([0])), "b": (flat([1]), np.array([1]))}, CLASSES)


class TestPerturbations:
    @pytest.fixture
    def figure(self):
        """Two images of grey 0.5; plain's attack adds 0.02 to the first, dct's takes 0.04 from the second.

        Wd takes the first for gravel from the beginning, and the second from the attack on.
        """
        clean = np.full((2, 8, 8, 3), 0.5, np.float32)
        examples = {}
        for variant, image, change in (("dct", 1, -0.04), ("plain", 0, 0.02)):
            adversarial = clean.copy()
            adversarial[image] += change
            examples[variant] = {
                "clean": clean,
                "adversarial": adversarial,
                "clean_predictions": np.array([0, 1]) if variant == "plain" else np.array([2, 1]),
                "adversarial_predictions": np.array([0, 1]) if variant == "plain" else np.array([2, 2]),
            }
        return draw_examples(examples, np.array([0, 1]), CLASSES, VARIANTS, "PGD-10")

    def test_the_change_is_magnified_around_grey(self, figure):
        clean, attacked = figure.axes
        canvas = picture(attacked)
        rows, columns = [int(y) for y in attacked.get_yticks()], [int(x) for x in attacked.get_xticks()]
        assert [label.get_text() for label in attacked.get_xticklabels()] == ["attacked", "change ×12"] * 2
        assert [label.get_text() for label in attacked.get_yticklabels()] == ["plain", "WD"]
        # The second image, which the attack on dct changes, comes first: 255 times 0.46, 0.5 - 12 x 0.04, 0.5 and 0.5;
        # of plain, 0.5, 0.5, 0.52 and 0.5 + 12 x 0.02. No change is grey.
        assert canvas[rows[0], columns].tolist() == [[grey] * 3 for grey in (128, 128, 133, 189)]
        assert canvas[rows[1], columns].tolist() == [[grey] * 3 for grey in (117, 5, 128, 128)]
        assert [label.get_text() for label in clean.get_yticklabels()] == ["clean"]
        (row,) = clean.get_yticks()
        assert picture(clean)[int(row), columns, 0].tolist() == [128, 255, 128, 255]  # each once, beside white

    def test_predictions(self, figure):
        clean, attacked = ([text.get_text() for text in axes.texts] for axes in figure.axes)
        assert clean == ["1 a very\nlong name", "0 brick"]
        assert attacked == ["✓ 1 a very\nlong name", "✓ 0 brick", "✗ 2 gravel", "(✗) 2 gravel"]
        assert figure.get_suptitle().startswith("PGD-10\n")
        assert "(✗) wrong before" in figure.get_suptitle().replace("\n", " ")

    def test_images_that_an_attack_changes_come_first(self):
        images = np.arange(6, dtype=np.float32).reshape(6, 1, 1, 1) / 10 + np.zeros((6, 8, 8, 3), np.float32)
        labels = np.ones(6, int)
        answers = {
            # Of the images, 1 is wrong to begin with, 2 is changed but wrong for dct before, 4 and 5 are changed.
            "plain": ([1, 0, 1, 1, 1, 1], [1, 0, 0, 1, 0, 1]),
            "dct": ([1, 1, 0, 1, 1, 1], [1, 1, 0, 1, 1, 2]),
        }
        examples = {
            name: {
                "clean": images,
                "adversarial": images,
                "clean_predictions": np.array(before),
                "adversarial_predictions": np.array(after),
            }
            for name, (before, after) in answers.items()
        }
        clean, _ = draw_examples(examples, labels, CLASSES, VARIANTS, "PGD-10").axes
        (row,) = clean.get_yticks()
        columns = [int(x) for x in clean.images[0].axes.figure.axes[1].get_xticks()[::2]]
        assert picture(clean)[int(row), columns, 0].tolist() == [102, 128, 51]  # 255 times 0.4, 0.5, 0.2

    def test_three_images_at_most_in_small_and_in_the_common_style(self):
        images, zeros = np.zeros((4, 8, 8, 3), np.float32), np.zeros(4, int)
        arrays = {"clean": images, "adversarial": images, "clean_predictions": zeros, "adversarial_predictions": zeros}
        figure = draw_examples({"plain": arrays}, zeros, CLASSES, VARIANTS, "PGD-10", count=4)
        labels = figure.axes[1].get_xticklabels()
        assert len(labels) == 6
        assert labels[0].get_fontsize() == 7
        assert figure.get_figwidth() < 0.8 * TEXT_WIDTH
        check_layout(figure)

    def test_wordnet_numbers_are_named(self):
        images, zeros = np.zeros((1, 8, 8, 3), np.float32), np.zeros(1, int)
        arrays = {"clean": images, "adversarial": images, "clean_predictions": zeros, "adversarial_predictions": zeros}
        figure = draw_examples({"plain": arrays}, zeros, ["n01440764"], VARIANTS, "PGD-10")
        assert [text.get_text() for axes in figure.axes for text in axes.texts] == ["tench", "✓ tench"]

    def test_examples_of_other_classes(self):
        images, labels = np.zeros((1, 8, 8, 3), np.float32), np.array([0])
        examples = {"clean": images, "adversarial": images}
        examples |= {"clean_predictions": labels, "adversarial_predictions": labels + len(CLASSES)}
        with pytest.raises(InputError, match=f"than one of {len(CLASSES)} classes: delete their files and run again"):
            draw_examples({"plain": examples}, labels, CLASSES, VARIANTS, "PGD-10")

    def test_no_examples(self):
        with pytest.raises(InputError, match="no adversarial examples of the variants plain, dct, absent"):
            draw_examples({}, np.array([0]), CLASSES, VARIANTS, "PGD-10")


class TestReadPerturbations:
    @pytest.fixture
    def path(self, tmp_path):
        images, labels = np.zeros((1, 8, 8, 3), np.float32), np.array([1])
        np.savez(
            tmp_path / "a.npz",
            clean=images,
            adversarial=images + 0.5,
            clean_predictions=labels,
            adversarial_predictions=labels + 1,
        )
        return tmp_path / "a.npz"

    def test_arrays(self, path):
        arrays = read_perturbations(path)
        assert arrays["adversarial"].max() == 0.5
        assert arrays["adversarial_predictions"].tolist() == [2]

    def test_damaged(self, path, tmp_path):
        with pytest.raises(InputError, match=r"b\.npz is missing"):
            read_perturbations(tmp_path / "b.npz")
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(InputError, match=r"a\.npz is damaged .*: delete it and run again"):
            read_perturbations(path)
        np.savez(path, clean=np.zeros(1))
        with pytest.raises(InputError, match=r"a\.npz is damaged .*adversarial.*: delete it and run again"):
            read_perturbations(path)

    def test_a_header_that_says_less_than_there_is(self, tmp_path):
        """Numpy reads the first image alone, and compares no checksum."""
        # Larger than what is read of a file at once, at the end of which its checksum would be compared.
        images, labels = np.zeros((2, 64, 64, 3), np.float32), np.array([1, 0])
        arrays = {
            "clean": images,
            "adversarial": images,
            "clean_predictions": labels,
            "adversarial_predictions": labels,
        }
        path = tmp_path / "a.npz"
        np.savez(path, **arrays)
        assert len(read_perturbations(path)["clean"]) == 2
        path.write_bytes(path.read_bytes().replace(b"(2, 64, 64, 3)", b"(1, 64, 64, 3)").replace(b"(2,)", b"(1,)"))
        with np.load(path) as damaged:
            assert len(damaged["clean"]) == 1
        with pytest.raises(
            InputError, match=r"a\.npz is damaged .*clean\.npy in it does not have its checksum.*: delete"
        ):
            read_perturbations(path)

    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("adversarial", lambda array: array * np.nan),
            ("adversarial", lambda array: array + 1),
            ("clean", lambda array: array[..., 0]),
            ("clean_predictions", lambda array: array - 2),
            ("clean_predictions", lambda array: array * 0.5),
            ("clean_predictions", lambda array: array[:0]),
        ],
    )
    def test_impossible_values(self, path, name, change):
        with np.load(path) as file:
            arrays = dict(file)
        np.savez(path, **{**arrays, name: change(arrays[name])})
        with pytest.raises(InputError, match=r"a\.npz is damaged .*: delete it and run again"):
            read_perturbations(path)

    def test_other_examples_with_their_checksum(self, path):
        with replacing_with_checksum(path) as temporary:
            temporary.write_bytes(path.read_bytes())
        read_perturbations(path)
        with np.load(path) as file:
            arrays = dict(file)
        np.savez(path, **{**arrays, "adversarial": arrays["adversarial"] / 2})
        with pytest.raises(InputError, match=r"a\.npz was changed since it was written"):
            read_perturbations(path)


class TestCorruptionSheet:
    def test_severities_and_order(self):
        corrupted = {name: flat(10 * place + np.arange(5), side=8) for place, name in enumerate(reversed(CORRUPTIONS))}
        figure = corruption_sheet(flat([255], side=8)[0] * 0 + 250, corrupted)
        titles = [axes.get_title() for axes in figure.axes]
        assert titles[:4] == ["clean", "Gaussian noise", "shot noise", "impulse noise"]
        assert titles[-4:] == ["speckle noise", "Gaussian blur", "spatter", "saturate"]
        assert len(titles) == 20  # no hole
        assert [axes.get_ylabel() for axes in figure.axes[::4]] == ["noise", "blur", "weather", "digital", "extra"]
        assert figure.get_figwidth() < 0.8 * TEXT_WIDTH
        check_layout(figure)
        by_title = dict(zip(titles, figure.axes, strict=True))
        centres = [4, 4 + 9, 4 + 18]
        assert picture(by_title["saturate"])[4, centres, 0].tolist() == [0, 2, 4]
        assert picture(by_title["Gaussian noise"])[4, centres, 0].tolist() == [180, 182, 184]
        assert picture(by_title["clean"])[4, centres, 0].tolist() == [255, 250, 255]
        assert [label.get_text() for label in by_title["saturate"].get_xticklabels()] == ["1", "3", "5"]
        assert figure.get_supxlabel() == "severity"

    def test_floats_are_taken_too(self):
        figure = corruption_sheet(np.zeros((8, 8, 3)), {"fog": np.full((5, 8, 8, 3), 0.2)}, severities=(5,))
        assert picture(figure.axes[0])[4, 4].tolist() == [51, 51, 51]
