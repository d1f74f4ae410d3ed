"""Shifted sets from tiny made files in the layouts of the published ones."""

import hashlib
import io
import json
import re
import shutil
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from records import edit_json
from scipy.ndimage import binary_dilation

from filterfreq.data import texdigits
from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.download import verify
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.registry import DATASETS, Source, get_dataset
from filterfreq.data.shifted.prepared import PreparedShift, save_shifted
from filterfreq.data.shifted.registry import SHIFTED_SETS, ShiftedSet, get_shifted, prepare_shifted
from filterfreq.runtime.errors import InputError


def jpeg(seed: int, size: tuple[int, int] = (300, 260), kind: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def write_archive(path, members: dict[str, bytes]) -> Source:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return described(path)


def described(path) -> Source:
    checksum = "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    return Source(path.name, ("http://localhost/x",), checksum, path.stat().st_size)


@pytest.mark.parametrize("name", SHIFTED_SETS)
def test_entry_is_complete(name):
    entry = SHIFTED_SETS[name]
    assert entry.name == name
    assert entry.shift_of in {*DATASETS, "imagenet"}
    assert entry.licence
    assert entry.folders in {"classes", "indices", "categories"}
    # It is downloaded, or it is of a package or a data set, or the entry says how to get it.
    kinds = [bool(entry.sources), name.startswith("texdigits"), entry.dataset is not None, bool(entry.how)]
    assert sum(kinds) == 1
    for source in entry.sources:
        assert re.fullmatch(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", source.checksum)
        assert source.size > 0
        assert all(url.startswith("https://") for url in source.urls)


PLACES = {"base": {"kind": "imagefolder", "path": "base", "image_size": 32, "test": "test"}}


@pytest.mark.parametrize("size", [32, 100])
def test_orientation_is_as_the_entry_or_its_base_says(tmp_path, size):
    stored = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 3
    for name in ("ant", "bee"):
        (tmp_path / "in" / name).mkdir(parents=True)
        Image.fromarray(stored).save(tmp_path / "in" / name / "0.png", exif=exif)
    (tmp_path / "in" / "ant" / "0.heic").write_bytes(b"")
    (tmp_path / "in" / "1.png").write_bytes((tmp_path / "in" / "ant" / "0.png").read_bytes())
    for number, (of_base, own, turned) in enumerate(
        [({}, {}, False), ({}, {"upright": True}, True), ({"upright": True}, {}, True)]
    ):
        data = {
            "datasets": {"base": PLACES["base"] | {"image_size": size} | of_base},
            "shifted": {"mine": {"shift_of": "base", "path": str(tmp_path / "in"), **own}},
        }
        prepare_shifted(get_shifted("mine", data), tmp_path, tmp_path / f"out{number}", 0)
        prepared = PreparedShift(tmp_path / f"out{number}")
        how = "turned" if turned else "taken as they lie there (upright: true turns them)"
        assert prepared.record["remarks"] == [
            "left out of the class folders, by suffix: 1 .heic",
            "left out, in no class folder: images, 1 in .",
            f"with an orientation in their EXIF data, {how}: 2 of 2 images",
        ]
        for image in np.asarray(prepared.images()[:]):
            np.testing.assert_array_equal(image, np.rot90(stored, 2) if turned else stored)


@pytest.mark.parametrize("key", ["resize", "upright", "background"])
def test_a_data_set_that_is_a_shifted_set_is_prepared_already(key):
    given = {"shift_of": "base", "dataset": "other", key: {"resize": 40, "upright": True}.get(key, "white")}
    data = {"datasets": {**PLACES, "other": PLACES["base"]}, "shifted": {"mine": given}}
    with pytest.raises(InputError, match=f"'mine' has {key}: the images of other are prepared, leave it out"):
        get_shifted("mine", data)


# Where the archives have their class folders, and what else lies in them.
LAYOUTS = {
    "imagenet-r": ("imagenet-r", ("n01443537", "n01484850"), "art_0.jpg", "imagenet-r/README.txt"),
    "imagenet-a": ("imagenet-a", ("n01498041", "n01531178"), "0.000_x_0.1.jpg", "imagenet-a/README.txt"),
    "imagenet-sketch": ("sketch", ("n01440764", "n15075141"), "sketch_0.JPEG", "__MACOSX/sketch/._x"),
    "imagenetv2": ("imagenetv2-matched-frequency-format-val", ("0", "999"), "a.jpeg", None),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_archive_of_large_images_is_unpacked_and_stays_in_files(name, tmp_path):
    top, classes, file, beside = LAYOUTS[name]
    entry = SHIFTED_SETS[name]
    contents = {f"{top}/{label}/{n}{file}": jpeg(4 * i + n) for i, label in enumerate(classes) for n in range(3)}
    source = write_archive(tmp_path / entry.sources[0].file, contents | ({beside: b"text"} if beside else {}))
    prepare_shifted(replace(entry, sources=(source,)), tmp_path, tmp_path / "out", seed=0)

    shifted = PreparedShift(tmp_path / "out", threads=2)
    assert (shifted.name, shifted.classes) == (name, list(classes))
    images = shifted.images()
    assert isinstance(images, ImageFiles)
    assert images.shape == (6, 224, 224, 3)
    assert shifted.record["sources"] == {source.file: source.checksum}
    # Every prefix is balanced, and each label is its image's folder.
    assert np.bincount(shifted.labels()[:2]).tolist() == [1, 1]
    for label, path in zip(shifted.labels(), images.names, strict=True):
        assert path.split("/")[1] == classes[label]
        assert (tmp_path / "out" / "files" / path).read_bytes() == contents[path]
    # Shown as torchvision shows ImageNet: Resize(256), CenterCrop(224), here of 300 x 260 pixels.
    with Image.open(io.BytesIO(contents[images.names[0]])) as image:
        resized = image.resize((256, 295), Image.Resampling.BILINEAR).crop((16, 36, 240, 260))
    np.testing.assert_array_equal(np.asarray(images[:1])[0], np.asarray(resized))


def test_a_folder_of_large_images_is_used_where_it_is(tmp_path):
    for category in ("bear", "truck"):
        (tmp_path / "stimuli" / category).mkdir(parents=True)
        for n in range(2):
            (tmp_path / "stimuli" / category / f"{category}{n}.png").write_bytes(jpeg(n, (224, 224), "PNG"))
    entry = get_shifted("silhouettes", {"shifted": {"silhouettes": {"path": str(tmp_path / "stimuli")}}})
    prepare_shifted(entry, tmp_path, tmp_path / "out", seed=0)
    shifted = PreparedShift(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["set.json"]
    # 224 pixels are shown as they are.
    first = np.asarray(shifted.images()[:1])[0]
    with Image.open(tmp_path / "stimuli" / shifted.images().names[0]) as image:
        np.testing.assert_array_equal(first, np.asarray(image))


def test_small_images_become_an_array(tmp_path):
    contents = {f"{label}/{n}.png": jpeg(n, (40, 32), "PNG") for label in ("cat", "dog") for n in range(3)}
    write_archive(tmp_path / "shift.zip", contents)
    data = {"shifted": {"mine": {"shift_of": "cifar10", "path": str(tmp_path / "shift.zip")}}}
    prepare_shifted(get_shifted("mine", data), tmp_path, tmp_path / "out", seed=0)
    shifted = PreparedShift(tmp_path / "out")
    assert shifted.images().shape == (6, 32, 32, 3)
    assert shifted.classes == ["cat", "dog"]
    assert shifted.record["remarks"] == ["has 2 of 10 classes, which alone are answers to its images"]
    images = tmp_path / "out" / "images.npy"
    images.write_bytes(images.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match=r"images\.npy does not have its recorded SHA-256"):
        shifted.images()


@pytest.mark.parametrize("split", ["test", "val"])
def test_images_in_a_folder_to_test_on_are_taken(tmp_path, split):
    contents = {f"{split}/{label}/0.png": jpeg(0, (32, 32), "PNG") for label in ("cat", "dog")}
    write_archive(tmp_path / "shift.zip", contents | {"train/cat/1.png": jpeg(1, (32, 32), "PNG")})
    data = {"shifted": {"mine": {"shift_of": "cifar10", "path": str(tmp_path / "shift.zip")}}}
    prepare_shifted(get_shifted("mine", data), tmp_path, tmp_path / "out", seed=0)
    shifted = PreparedShift(tmp_path / "out")
    assert (shifted.classes, len(shifted.images())) == (["cat", "dog"], 2)


def test_a_class_that_the_models_do_not_know_is_refused(tmp_path):
    write_archive(tmp_path / "shift.zip", {f"{name}/0.png": jpeg(0, (32, 32), "PNG") for name in ("cat", "Kitty")})
    data = {"shifted": {"mine": {"shift_of": "cifar10", "path": str(tmp_path / "shift.zip")}}}
    with pytest.raises(InputError, match="the shifted set mine has the class 'Kitty', which is none of the 10 that"):
        prepare_shifted(get_shifted("mine", data), tmp_path, tmp_path / "out", seed=0)


def test_of_cinic_10_the_images_that_are_not_cifar_10s_are_taken(tmp_path):
    """Its test images hold CIFAR-10's test images and 10,000 training images, named cifar10-<split>-<index>.png."""
    contents = {}
    for i, label in enumerate(DATASETS["cifar10"].classes):
        for n, file in enumerate(("cifar10-test-7.png", "cifar10-train-7.png", "n02690373_7.png", "n02690373_8.png")):
            contents[f"./test/{label}/{file}"] = jpeg(4 * i + n, (32, 32), "PNG")
        contents[f"./train/{label}/n02690373_9.png"] = jpeg(999, (32, 32), "PNG")
    source = write_archive(tmp_path / "CINIC-10.tar.gz", contents)
    prepare_shifted(replace(SHIFTED_SETS["cinic10"], sources=(source,)), tmp_path, tmp_path / "out", seed=0)
    shifted = PreparedShift(tmp_path / "out")
    assert shifted.images().shape == (20, 32, 32, 3)
    assert shifted.record["sources"] == {source.file: source.checksum}
    wanted = {}
    for name, content in contents.items():
        if "/test/" in name and "/n0" in name:
            wanted[np.asarray(Image.open(io.BytesIO(content))).tobytes()] = name.split("/")[2]
    assert [wanted[image.tobytes()] for image in shifted.images()] == [shifted.classes[i] for i in shifted.labels()]


def test_cifar_10_1_from_its_arrays(tmp_path):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8), (np.arange(40) % 10).astype(np.int32)
    entry = SHIFTED_SETS["cifar10.1"]
    for source, array in zip(entry.sources, (images, labels), strict=True):
        np.save(tmp_path / source.file, array)
    entry = replace(entry, sources=tuple(described(tmp_path / source.file) for source in entry.sources))
    prepare_shifted(entry, tmp_path, tmp_path / "out", seed=0)
    shifted = PreparedShift(tmp_path / "out")
    assert tuple(shifted.classes) == DATASETS["cifar10"].classes
    place = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    assert [place[image.tobytes()] for image in shifted.images()] == shifted.labels().tolist()
    assert np.bincount(shifted.labels()[:10]).tolist() == [1] * 10

    np.save(tmp_path / "cifar10.1_v6_data.npy", images[:, :16])
    entry = replace(entry, sources=tuple(described(tmp_path / source.file) for source in entry.sources))
    with pytest.raises(InputError, match=r"data\.npy holds uint8 \[40, 16, 32, 3\]"):
        prepare_shifted(entry, tmp_path, tmp_path / "again", seed=0)


def test_sizes_of_cifar_10_1_are_those_of_2000_images():
    """A header of 128 bytes, 2,000 images of 3,072 bytes, and labels of 4."""
    assert [source.size for source in SHIFTED_SETS["cifar10.1"].sources] == [128 + 2000 * 3072, 128 + 2000 * 4]


def test_another_data_sets_test_images_are_referred_to(tiny_dataset, tmp_path):
    shutil.copytree(tiny_dataset.folder, tmp_path / "data" / "other")
    entry = ShiftedSet(
        "mine", "tiny", "filterfreq.data.shifted.prepare:prepare_known_dataset", "none", 32, dataset="other"
    )
    prepare_shifted(entry, tmp_path / "data" / "other", tmp_path / "data" / "tiny" / "shifted" / "mine", seed=0)
    (tmp_path / "data").rename(tmp_path / "moved")
    shifted = PreparedShift(tmp_path / "moved" / "tiny" / "shifted" / "mine")
    assert shifted.classes == ["red", "green", "blue", "grey"]
    np.testing.assert_array_equal(shifted.images(), tiny_dataset.images("test"))
    np.testing.assert_array_equal(shifted.labels(), tiny_dataset.labels("test"))


def closest(masks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each mask the largest share of pixels that one of the others has in common with it."""
    a, b = (m.reshape(len(m), -1).astype(np.float32) for m in (masks, others))
    return ((a @ b.T + (1 - a) @ (1 - b).T) / a.shape[1]).max(axis=1)


def test_silhouettes_and_edges_are_of_the_test_digits(tmp_path):
    texdigits.prepare(tmp_path, tmp_path / "texdigits", seed=3)
    test = PreparedDataset(tmp_path / "texdigits")
    sets = {}
    for name in ("texdigits-silhouettes", "texdigits-edges"):
        prepare_shifted(get_shifted(name), tmp_path, tmp_path / name, seed=3)
        sets[name] = PreparedShift(tmp_path / name)
        assert tuple(sets[name].classes) == test.classes
        assert np.bincount(sets[name].labels()[:100]).tolist() == [10] * 10
    silhouettes, edges = (sets[name].images()[..., 0].astype(int) for name in sets)
    np.testing.assert_array_equal(*(shifted.labels() for shifted in sets.values()))
    # They are the digits of the test images, where all but the stroke has one flat colour; seed 4 tests on others.
    images = test.images("test")
    textured = (images != images[:, :1, :1]).any(axis=3)
    assert closest(textured, silhouettes < 255).min() > 0.97
    prepare_shifted(get_shifted("texdigits-silhouettes"), tmp_path, tmp_path / "others", seed=4)
    assert closest(textured, PreparedShift(tmp_path / "others").images()[..., 0] < 255).min() < 0.93
    # Black on white; edges lie inside the silhouette, and all that is left out lies away from white.
    assert silhouettes.min() == 0
    assert (silhouettes == 255).mean() > 0.4
    assert (edges >= silhouettes).all()
    inside = ~binary_dilation(silhouettes > 0, np.ones((1, 3, 3)))
    assert (edges[inside] == 255).all()
    assert (255 - edges).sum() < 0.7 * (255 - silhouettes).sum()


@pytest.mark.parametrize(
    ("name", "shifted", "message"),
    [
        ("imagenet-x", {}, r"unknown shifted set 'imagenet-x': did you mean"),
        ("edges", {}, r"'edges' is not downloaded: clone github.com/rgeirhos/texture-vs-shape and give its folder"),
        ("stylized-imagenet", {}, r"create_stylized_imagenet.sh .* as data.shifted.stylized-imagenet.path"),
        ("imagenet-a", {"imagenet-a": {"shift_of": "cifar10"}}, "in the registry already, leave its shift_of out"),
        ("edges", {"edges": {"path": "x", "responses": "y"}}, "leave its responses out"),
        ("mine", {"mine": {"shift_of": "cifar10"}}, "needs shift_of, a data set, and either path"),
        ("mine", {"mine": {"path": "x"}}, "needs shift_of, a data set, and either path"),
        ("mine", {"mine": {"shift_of": "cifar", "path": "x"}}, "unknown data set 'cifar'"),
        ("mine", {"mine": {"shift_of": "cifar10", "dataset": "tinyimagenet"}}, "56 pixels, but cifar10 has 32"),
        ("mine", {"mine": {"shift_of": "cifar10", "dataset": "cinic10", "resize": 40}}, "leave it out"),
        ("mine", {"mine": {"shift_of": "cifar10", "path": "x", "responses": "y"}}, "only cue-conflict can"),
        ("mine", {"mine": {"shift_of": "cifar10", "path": "x", "resize": 31}}, "of cifar10: make it 32 or more"),
    ],
)
def test_what_contradicts_itself_is_refused(name, shifted, message):
    with pytest.raises(InputError, match=message):
        get_shifted(name, {"shifted": shifted})


@pytest.mark.parametrize(
    ("base", "given", "resize"),
    [
        ("imagenet", {}, 256),
        ("imagenet", {"resize": 224}, 224),
        ("flowers102", {}, (224, 224)),
        ("tinyimagenet", {}, 64),
        ("cifar10", {}, None),
    ],
)
def test_a_folder_of_the_config_is_shown_as_the_test_images_of_its_data_set(base, given, resize):
    entry = get_shifted("mine", {"shifted": {"mine": {"shift_of": base, "path": "x", **given}}})
    assert (entry.image_size, entry.resize) == (get_dataset(base).image_size, resize)


def test_a_folder_given_in_place_of_a_download(tmp_path):
    entry = get_shifted("imagenet-a", {"shifted": {"imagenet-a": {"path": "mine"}}})
    assert (entry.path, entry.sources, entry.folders, entry.resize) == ("mine", (), "classes", 256)


def test_damaged_files_are_named(tmp_path):
    entry = SHIFTED_SETS["imagenet-a"]
    (tmp_path / "imagenet-a.tar").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"imagenet-a\.tar has 10 bytes and not the checksum"):
        prepare_shifted(entry, tmp_path, tmp_path / "out", seed=0)
    with pytest.raises(InputError, match="is missing: download it first"):
        verify(entry.sources[0], tmp_path / "nowhere.tar")
    (tmp_path / "set.json").write_text(json.dumps({"name": "x"}))
    with pytest.raises(InputError, match=r"set.json is damaged .*'\w+' is missing\): delete its folder and run again"):
        PreparedShift(tmp_path)


@pytest.fixture
def edges(tmp_path) -> Path:
    """Four images of two classes, in an array."""
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    identity = {"name": "edges", "shift_of": "texdigits", "folders": "classes"}
    save_shifted(tmp_path, identity, ["a", "b"], np.array([0, 1, 0, 1]), images, {})
    return tmp_path


def test_a_label_that_was_changed_is_found(edges):
    np.testing.assert_array_equal(PreparedShift(edges).labels(), [0, 1, 0, 1])
    record = edges / "set.json"
    record.write_text(record.read_text().replace("[0, 1, 0, 1]", "[0, 1, 1, 0]"))
    with pytest.raises(
        InputError, match=r"set\.json was changed since it was written.*: delete its folder and run again"
    ):
        PreparedShift(edges)


@pytest.mark.parametrize("labels", [[0, 1, 0], [0, 1, 0, 2]])
def test_labels_are_those_of_the_images_and_classes(edges, labels):
    edit_json(edges / "set.json", lambda record: record.update(labels=labels))
    with pytest.raises(InputError, match="labels that are not those of its images: delete its folder"):
        PreparedShift(edges).labels()


def test_no_path_of_a_set_leads_out_of_its_folder(edges):
    images = {"folder": "files", "names": ["a/../../secret.png"] * 4, "size": 32, "resize": None}
    edit_json(edges / "set.json", lambda record: record.update(images=images))
    with pytest.raises(InputError, match=r"set\.json is damaged .*: delete its folder and run again"):
        PreparedShift(edges)
