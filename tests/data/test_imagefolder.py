import hashlib
import io
import shutil
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision import transforms

from filterfreq.data.archives import list_files, read_files
from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.imagefolder import class_folders, find_classes, prepare
from filterfreq.data.images import decode_image
from filterfreq.data.registry import get_dataset
from filterfreq.runtime.errors import InputError

CLASSES = ("ant", "bee", "cat")
SHARED = Path(__file__).parents[3] / "shared" / "data" / "cifar10_jpeg.tar.xz"


def picture(rng, height=32, width=32) -> np.ndarray:
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def png(pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path) -> Path:
    """Five training and two test images of each class, with the things that stray into such folders."""
    rng = np.random.default_rng(0)
    root = tmp_path / "animals"
    for split, count in (("train", 5), ("test", 2)):
        for name in CLASSES:
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                (root / split / name / f"{number}.PNG").write_bytes(png(picture(rng)))
    (root / "README.txt").write_text("three animals")
    (root / "train" / ".DS_Store").write_text("")
    (root / "train" / "ant" / "._0.PNG").write_text("")
    (root / "train" / "ant" / "notes.txt").write_text("")
    return root


def entry(path, **changes):
    settings = {"kind": "imagefolder", "path": str(path), "image_size": 32, "train": "train", "test": "test"}
    settings = {key: value for key, value in (settings | changes).items() if value is not None}
    return get_dataset("animals", {"datasets": {"animals": settings}})


def prepared(path, output, seed=0, **changes) -> PreparedDataset:
    prepare(output, output, seed, entry(path, **changes))
    return PreparedDataset(output)


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def arrays(dataset) -> dict:
    return {name: dataset.array(name) for name in dataset.record["arrays"]}


def test_every_pixel_and_label_arrives(folder, tmp_path):
    dataset = prepared(folder, tmp_path / "out")
    assert dataset.name == "animals"
    assert dataset.classes == CLASSES
    expected = [pixels(folder / "train" / name / f"{number}.PNG") for name in CLASSES for number in range(5)]
    np.testing.assert_array_equal(dataset.images("train"), expected)
    np.testing.assert_array_equal(dataset.labels("train"), np.repeat([0, 1, 2], 5))
    found = {
        image.tobytes(): label for image, label in zip(dataset.images("test"), dataset.labels("test"), strict=True)
    }
    for label, name in enumerate(CLASSES):
        for number in range(2):
            assert found.pop(pixels(folder / "test" / name / f"{number}.PNG").tobytes()) == label
    assert not found
    assert sorted(dataset.labels("test")[:3]) == [0, 1, 2]
    scaled = np.stack(expected) / 255
    np.testing.assert_allclose(dataset.mean, scaled.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(dataset.std, scaled.std(axis=(0, 1, 2)), rtol=1e-10)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("suffix", ["tar", "tar.xz", "zip"])
def test_a_folder_and_its_archive_give_the_same_arrays(folder, tmp_path, suffix, wrapped):
    archive = tmp_path / f"animals.{suffix}"
    # In another order than the folder's, and with the last names first.
    files = sorted((path for path in folder.rglob("*") if path.is_file()), reverse=True)
    base = folder.parent if wrapped else folder
    if suffix == "zip":
        with zipfile.ZipFile(archive, "w") as opened:
            for file in files:
                opened.write(file, file.relative_to(base))
    else:
        with tarfile.open(archive, "w:xz" if suffix == "tar.xz" else "w") as opened:
            for file in files:
                opened.add(file, file.relative_to(base))
    one, two = (arrays(prepared(path, tmp_path / name)) for path, name in ((folder, "one"), (archive, "two")))
    assert one.keys() == two.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(two[name], array)


def test_given_mean_std_and_augmentation(folder, tmp_path):
    dataset = prepared(folder, tmp_path / "out", mean=[0.5, 0.4, 0.3], std=[0.1, 0.2, 0.3])
    assert (dataset.mean, dataset.std) == ((0.5, 0.4, 0.3), (0.1, 0.2, 0.3))
    assert entry(folder).augmentation == "none"
    assert entry(folder, augmentation="flip").augmentation == "flip"


def test_a_fraction_is_drawn_of_each_class_by_the_seed(folder, tmp_path):
    one, same, other = (
        prepared(folder / "train", tmp_path / str(i), seed, train=None, test=None, test_fraction=0.4)
        for i, seed in enumerate((0, 0, 1))
    )
    for dataset in (one, other):
        assert np.bincount(dataset.labels("train")).tolist() == [3, 3, 3]
        assert np.bincount(dataset.labels("test")).tolist() == [2, 2, 2]
        images = [*dataset.images("train"), *dataset.images("test")]
        assert len({image.tobytes() for image in images}) == 15
    for name, array in arrays(one).items():
        np.testing.assert_array_equal(same.array(name), array)
    assert {image.tobytes() for image in one.images("test")} != {image.tobytes() for image in other.images("test")}


@pytest.mark.parametrize(("fraction", "count"), [(0.01, 1), (0.5, 2), (0.99, 4)])
def test_a_fraction_leaves_images_on_both_sides(folder, tmp_path, fraction, count):
    dataset = prepared(folder, tmp_path / "out", test=None, test_fraction=fraction)
    assert np.bincount(dataset.labels("test")).tolist() == [count] * 3


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 64), (48, 100), (101, 33), (20, 31), (33, 32)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_sizes_and_modes_as_torchvision_has_them(height, width, mode):
    image = Image.fromarray(picture(np.random.default_rng(0), height, width)).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "png")
    resize = transforms.Compose([transforms.Resize(32), transforms.CenterCrop(32)])
    expected = np.asarray(resize(Image.open(buffer).convert("RGB")))
    np.testing.assert_array_equal(decode_image(buffer.getvalue(), "x", 32), expected)


def test_an_image_of_more_bits_is_refused(folder, tmp_path):
    Image.fromarray(np.full((32, 32), 1000, dtype=np.uint16)).save(folder / "train" / "bee" / "deep.png")
    with pytest.raises(InputError, match=r"train/bee/deep.png in .*animals has more than 8 bits a channel"):
        prepared(folder, tmp_path / "out")


def test_no_such_path(tmp_path):
    with pytest.raises(InputError, match=r"nowhere is missing: give the path of a folder, a tar or a zip"):
        prepared(tmp_path / "nowhere", tmp_path / "out")


def test_no_class_folders(folder, tmp_path):
    with pytest.raises(InputError, match=r"animals has no class folders in 'val': it holds README.txt, test, train"):
        prepared(folder, tmp_path / "out", test="val")
    with pytest.raises(InputError, match=r"ant has 5 images in '.' and no class folders: make a folder for each"):
        prepared(folder / "train" / "ant", tmp_path / "out", train=None, test=None, test_fraction=0.5)


def test_one_class(folder, tmp_path):
    for split in ("train", "test"):
        for name in ("bee", "cat"):
            shutil.rmtree(folder / split / name)
    with pytest.raises(InputError, match=r"has one class folder in 'train', 'ant': there must be two or more"):
        prepared(folder, tmp_path / "out")


def test_a_test_class_that_is_not_trained_on(folder, tmp_path):
    (folder / "test" / "cat").rename(folder / "test" / "dog")
    with pytest.raises(InputError, match=r"has the class 'dog' in test but not in train: take it out or add"):
        prepared(folder, tmp_path / "out")


@pytest.mark.parametrize("content", [b"no image", png(picture(np.random.default_rng(0)))[:500], b""])
def test_an_unreadable_image_is_named(folder, tmp_path, content):
    (folder / "train" / "bee" / "3.PNG").write_bytes(content)
    with pytest.raises(
        InputError,
        match=r"train/bee/3.PNG in .*animals (is no readable image|is damaged .*) \(.*\): repair it",
    ):
        prepared(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def stray(folder: Path) -> list[str]:
    """Put into the folder what is not taken, and return what is to be said of it."""
    rng = np.random.default_rng(1)
    for name in ("train/ant/5.heic", "train/bee/part/6.heic", "test/ant/7"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    for name in ("train/8.png", "val/ant/9.png", "val/ant/10.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png(picture(rng)))
    shutil.rmtree(folder / "test" / "bee")
    return [
        "left out of the class folders, by suffix: 2 .heic, 1 without, 1 .txt",
        "left out, in no class folder: images, 2 in val/ant, 1 in train",
        "without test images: 1 of 3 classes, bee",
    ]


@pytest.mark.parametrize("storage", ["arrays", "files"])
@pytest.mark.parametrize("archive", ["", "tar", "zip"])
def test_what_is_not_taken_is_said(folder, tmp_path, storage, archive):
    said = stray(folder)
    path = Path(shutil.make_archive(str(tmp_path / "packed"), archive, folder)) if archive else folder
    dataset = prepared(path, tmp_path / "out", storage=storage)
    assert sorted(dataset.record["remarks"]) == sorted(said)
    assert (len(dataset.labels("train")), len(dataset.labels("test"))) == (15, 4)


def test_where_all_is_taken_nothing_is_said(folder, tmp_path):
    (folder / "train" / "ant" / "notes.txt").unlink()
    assert "remarks" not in prepared(folder, tmp_path / "out").record


@pytest.mark.parametrize("archive", ["", "tar", "zip"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_an_empty_class_folder_is_refused(folder, tmp_path, split, archive):
    (folder / split / "dog").mkdir()
    path = Path(shutil.make_archive(str(tmp_path / "packed"), archive, folder)) if archive else folder
    with pytest.raises(InputError, match=rf"has no images in {split}/dog, which would be a class .*: take the folder"):
        prepared(path, tmp_path / "out")


@pytest.mark.parametrize("suffix", ["gif", "GIF", "jfif", "jpe", "pbm"])
def test_images_have_many_suffixes(folder, tmp_path, suffix):
    kind = {"pbm": "PPM", "jfif": "JPEG", "jpe": "JPEG"}.get(suffix, suffix.upper())
    mode = {"GIF": "P", "PPM": "1", "JPEG": "RGB"}[kind]
    Image.fromarray(picture(np.random.default_rng(2))).convert(mode).save(
        folder / "train" / "ant" / f"5.{suffix}", kind
    )
    assert prepared(folder, tmp_path / "out").labels("train").tolist() == [0] * 6 + [1] * 5 + [2] * 5


@pytest.mark.parametrize("storage", ["arrays", "files"])
def test_orientation_and_transparency_are_counted_and_as_the_entry_says(folder, tmp_path, storage):
    (folder / "train" / "ant" / "notes.txt").unlink()
    stored = picture(np.random.default_rng(3))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(folder / "train" / "ant" / "0.PNG", exif=exif)
    through = np.dstack([stored, np.zeros((32, 32), dtype=np.uint8)])
    Image.fromarray(through).save(folder / "test" / "ant" / "0.PNG")

    as_stored = prepared(folder, tmp_path / "stored", storage=storage)
    assert as_stored.record["remarks"] == [
        "with an orientation in their EXIF data, taken as they lie there (upright: true turns them): 1 of 21 images",
        "transparent in places, taken with the colours stored there (background: white or black shows through): "
        "1 of 21 images",
    ]
    asked = prepared(folder, tmp_path / "asked", storage=storage, upright=True, background="black")
    assert asked.record["remarks"] == [
        "with an orientation in their EXIF data, turned: 1 of 21 images",
        "transparent in places, shown on black: 1 of 21 images",
    ]
    place = asked.array("test_order").tolist().index(0)
    for dataset, turned, shown in ((as_stored, stored, stored), (asked, np.rot90(stored, -1), 0 * stored)):
        np.testing.assert_array_equal(np.asarray(dataset.images("train")[:1])[0], turned)
        np.testing.assert_array_equal(np.asarray(dataset.images("test")[[place]])[0], shown)


def test_too_few_images(folder, tmp_path):
    for number in range(5):
        (folder / "train" / "ant" / f"{number}.PNG").unlink()
    with pytest.raises(InputError, match=r"animals has no images in train/ant, which would be .*: take"):
        prepared(folder, tmp_path / "out")
    (folder / "train" / "ant" / "0.PNG").write_bytes(png(picture(np.random.default_rng(0))))
    with pytest.raises(InputError, match=r"animals has one image of the class 'ant': two are needed"):
        prepared(folder, tmp_path / "out", test=None, test_fraction=0.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test": None}, "in one way what to test on: write test: test where"),
        ({"test_fraction": 0.1}, "in one way what to test on: write test: test where"),
        ({"mean": [0.5, 0.5, 0.5]}, "has one of mean and std: give both"),
        ({"evaluation_only": True}, "is evaluation_only and has train, which training needs: leave one out"),
        ({"classes": "cifar"}, "has classes: unknown data set of known classes 'cifar': did you mean 'cifar10'"),
        ({"classes": "dtd"}, "has classes: unknown data set of known classes 'dtd'"),
    ],
)
def test_entries_that_contradict_themselves(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        entry(tmp_path, **changes)


def test_a_name_of_the_registry_is_refused():
    with pytest.raises(InputError, match="'cifar10' is in the registry already: give the config's own another name"):
        get_dataset("cifar10", {"datasets": {"cifar10": {}}})


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="needs shared/data/cifar10_jpeg.tar.xz")
def test_the_layout_of_cifar10_as_jpeg():
    """Preparing all of it takes half a minute; this reads the names and two images."""
    names = list_files(SHARED)
    for split, count in (("train", 5_000), ("test", 1_000)):
        classes = find_classes(SHARED, names, split)
        assert tuple(classes) == get_dataset("cifar10").classes
        assert [len(images) for images in classes.values()] == [count] * 10
    for name, content in read_files(SHARED, names[:2]):
        assert 0 < decode_image(content, name, 32).std() < 128


def test_cinic10_in_its_layout(tmp_path):
    """Its archive has three splits, of which `valid` is left out, and texts beside them; some images are grey."""
    registered = get_dataset("cinic10")
    rng = np.random.default_rng(0)
    archive = tmp_path / "CINIC-10.tar.gz"
    pictures = {}
    with tarfile.open(archive, "w:gz") as opened:
        for name in ("README", "synsets-to-cifar-10-classes.txt"):
            opened.addfile(tarfile.TarInfo(name))
        for split in ("train", "valid", "test"):
            for label in registered.classes:
                for file in ("cifar10-train-1.png", f"n{rng.integers(10**8):08d}_10.png"):
                    image = picture(rng)[..., 0] if file.startswith("n") else picture(rng)
                    pictures[split, label, file] = image if image.ndim == 3 else np.stack([image] * 3, axis=2)
                    member = tarfile.TarInfo(f"./{split}/{label}/{file}")
                    content = png(image)
                    member.size = len(content)
                    opened.addfile(member, io.BytesIO(content))
    checksum = "md5:" + hashlib.md5(archive.read_bytes()).hexdigest()
    source = replace(registered.sources[0], checksum=checksum, size=archive.stat().st_size)
    tiny = replace(registered, sources=(source,), train_size=20, test_size=20)
    prepare(tmp_path, tmp_path / "out", 0, tiny)
    dataset = PreparedDataset(tmp_path / "out")
    assert dataset.classes == registered.classes
    assert dataset.mean == registered.mean
    expected = [image for (split, _, _), image in pictures.items() if split == "train"]
    np.testing.assert_array_equal(dataset.images("train"), expected)
    np.testing.assert_array_equal(dataset.labels("train"), np.repeat(range(10), 2))
    tests = np.stack([image for (split, _, _), image in pictures.items() if split == "test"])
    np.testing.assert_array_equal(dataset.images("test"), tests[dataset.array("test_order")])

    with pytest.raises(InputError, match="cinic10 has 20 train images and 20 labels, but there should be 90000"):
        prepare(tmp_path, tmp_path / "other", 0, replace(tiny, train_size=90_000))
    with pytest.raises(InputError, match=r"has the classes airplane, .*, not those of cinic10"):
        prepare(tmp_path, tmp_path / "other", 0, replace(tiny, classes=("a", "b")))


def test_files_stay_where_they_are(folder, tmp_path):
    in_arrays = prepared(folder, tmp_path / "arrays")
    in_files = prepared(folder, tmp_path / "files", storage="files")
    assert isinstance(in_files.images("train"), ImageFiles)
    assert not list((tmp_path / "files").rglob("*.PNG"))
    assert in_files.record["files"]["train"]["folder"] == str(folder)
    assert (in_files.classes, in_files.image_size) == (in_arrays.classes, in_arrays.image_size)
    for split in ("train", "test"):
        np.testing.assert_array_equal(np.asarray(in_files.images(split)), in_arrays.images(split))
        np.testing.assert_array_equal(in_files.labels(split), in_arrays.labels(split))
        assert in_files.labels(split).dtype == np.int64
    np.testing.assert_array_equal(in_files.array("test_order"), in_arrays.array("test_order"))
    np.testing.assert_allclose((in_files.mean, in_files.std), (in_arrays.mean, in_arrays.std), rtol=1e-12)


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_archive_of_files_is_unpacked_once(folder, tmp_path, wrapped):
    archive = tmp_path / "animals.tar"
    with tarfile.open(archive, "w") as opened:
        opened.add(folder, "animals" if wrapped else ".")
    one = prepared(archive, tmp_path / "out", storage="files")
    expected = prepared(folder, tmp_path / "expected")
    np.testing.assert_array_equal(np.asarray(one.images("test")), expected.images("test"))
    (place,) = (tmp_path / "out" / "images").iterdir()
    assert one.record["files"]["test"]["folder"] == f"images/{place.name}"
    before = place.stat().st_mtime_ns
    prepared(archive, tmp_path / "out", storage="files")
    assert place.stat().st_mtime_ns == before
    (tmp_path / "out").rename(tmp_path / "moved")
    moved = PreparedDataset(tmp_path / "moved")
    np.testing.assert_array_equal(np.asarray(moved.images("test")), expected.images("test"))


def test_a_relative_folder_is_found_from_where_the_workflow_runs(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder.parent)
    prepare(Path("out"), Path("out"), 0, entry(folder.name, storage="files"))
    files = PreparedDataset(Path("out")).images("train")
    assert not files.folder.is_absolute()
    assert np.asarray(files).shape == (15, 32, 32, 3)


def test_what_happened_to_files_is_said(folder, tmp_path):
    prepared(folder, tmp_path / "out", storage="files")
    image = folder / "train" / "bee" / "3.PNG"
    image.write_bytes(image.read_bytes()[:100])
    opened = PreparedDataset(tmp_path / "out")
    with pytest.raises(InputError, match=r"bee/3\.PNG is damaged .*\(OSError: image file is truncated\): repair"):
        np.asarray(opened.images("train"))
    assert len(np.asarray(opened.images("train")[:5])) == 5
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"images of data set animals are gone, there is no folder .*animals: put it"):
        PreparedDataset(tmp_path / "out")
    (tmp_path / "elsewhere").rename(folder)
    index = tmp_path / "out" / "arrays" / "test_files.csv"
    text = index.read_text()
    index.write_text(text.replace("cat", "bee"))
    with pytest.raises(InputError, match=r"test_files\.csv does not have its recorded SHA-256: prepare data set"):
        PreparedDataset(tmp_path / "out")
    index.unlink()
    with pytest.raises(InputError, match=r"test_files\.csv is missing: prepare data set animals again"):
        PreparedDataset(tmp_path / "out")


@pytest.mark.parametrize("storage", ["arrays", "files"])
@pytest.mark.parametrize("resize", [40, [32, 32]])
def test_images_are_resized_as_asked_for(tmp_path, storage, resize):
    rng = np.random.default_rng(0)
    for name in ("ant", "bee"):
        for split in ("train", "test"):
            (tmp_path / "in" / split / name).mkdir(parents=True)
            (tmp_path / "in" / split / name / "0.png").write_bytes(png(picture(rng, 50, 70)))
    dataset = prepared(tmp_path / "in", tmp_path / "out", storage=storage, resize=resize, train_resize=48)
    assert dataset.image_size == 32
    transform = transforms.Compose([transforms.Resize(resize), transforms.CenterCrop(32)])
    labels = dataset.labels("test")
    for image, label in zip(np.asarray(dataset.images("test")), labels, strict=True):
        with Image.open(tmp_path / "in" / "test" / ("ant", "bee")[label] / "0.png") as opened:
            np.testing.assert_array_equal(image, transform(opened))
    # Arrays keep what the augmentation cuts from.
    stored = 48 if storage == "arrays" else 32
    transform = transforms.Compose([transforms.Resize(48), transforms.CenterCrop(stored)])
    for image, name in zip(np.asarray(dataset.images("train")), ("ant", "bee"), strict=True):
        with Image.open(tmp_path / "in" / "train" / name / "0.png") as opened:
            np.testing.assert_array_equal(image, transform(opened))


def test_a_resize_below_the_size_is_refused():
    with pytest.raises(InputError, match=r"'animals' has a resize below its image_size: make it 32 or more"):
        entry("somewhere", resize=[32, 31])


@pytest.mark.parametrize("storage", ["arrays", "files"])
def test_images_to_evaluate_alone_have_the_labels_of_another_data_set(folder, tmp_path, storage):
    for name, new in zip(CLASSES, ("truck", "dog", "bird"), strict=True):
        (folder / "test" / name).rename(folder / "test" / new)
    wanted = {"train": None, "evaluation_only": True, "classes": "cifar10", "storage": storage}
    dataset = prepared(folder, tmp_path / "out", **wanted)
    assert dataset.classes == get_dataset("cifar10").classes
    assert (dataset.has_split("train"), dataset.has_split("test"), dataset.has_split("cue_conflict")) == (
        False,
        True,
        False,
    )
    assert np.bincount(dataset.labels("test"), minlength=10).tolist() == [0, 0, 2, 0, 0, 2, 0, 0, 0, 2]
    images = np.asarray(dataset.images("test"))
    for label, name in ((2, "bird"), (5, "dog"), (9, "truck")):
        expected = {pixels(folder / "test" / name / f"{number}.PNG").tobytes() for number in range(2)}
        assert {image.tobytes() for image in images[dataset.labels("test") == label]} == expected
    # What its models were trained with, and not what six images have.
    assert (dataset.mean, dataset.std) == (get_dataset("cifar10").mean, get_dataset("cifar10").std)
    assert "mean and std are those of cifar10, whose classes it has" in dataset.record["remarks"]
    own = prepared(folder, tmp_path / "own", **(wanted | {"mean": [0.1, 0.2, 0.3], "std": [1, 1, 1]}))
    assert own.mean == (0.1, 0.2, 0.3)
    with pytest.raises(InputError, match=r"data set animals in .* has no array 'train_images'"):
        dataset.images("train")

    (folder / "test" / "bird").rename(folder / "test" / "birds")
    with pytest.raises(InputError, match="has a folder 'birds', which is none of cifar10's 10 classes"):
        prepared(folder, tmp_path / "other", **wanted)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    ("kept", "renamed"), [(("train", "test"), "test"), (("train", "test"), "val"), (("test",), "test")]
)
def test_images_to_evaluate_alone_are_those_to_test_on(folder, tmp_path, kept, renamed, wrapped):
    if "train" not in kept:
        shutil.rmtree(folder / "train")
    (folder / "test").rename(folder / renamed)
    path = folder
    if wrapped:
        path = tmp_path / "wrapped"
        path.mkdir()
        folder.rename(path / "animals")
    dataset = prepared(path, tmp_path / "out", train=None, test=None, evaluation_only=True)
    assert (dataset.classes, len(dataset.labels("test"))) == (CLASSES, 6)
    assert class_folders(path) == list(CLASSES)


def test_class_folders_that_are_the_uppermost(folder, tmp_path):
    path = folder / "train"
    assert prepared(path, tmp_path / "out", train=None, test=None, evaluation_only=True).classes == CLASSES
    assert class_folders(path) == class_folders(folder, "train") == list(CLASSES)


def test_one_class_folder_of_known_classes(folder, tmp_path):
    (folder / "test" / "ant").rename(tmp_path / "one")
    path = tmp_path / "path"
    path.mkdir()
    (tmp_path / "one").rename(path / "dog")
    wanted = {"train": None, "test": None, "evaluation_only": True}
    dataset = prepared(path, tmp_path / "out", **wanted, classes="cifar10")
    assert dataset.labels("test").tolist() == [5, 5]
    with pytest.raises(InputError, match=r"path has one class folder in '.', 'dog': there must be two or more"):
        prepared(path, tmp_path / "other", **wanted)


@pytest.mark.parametrize("content", [None, "r.txt"])
def test_class_folders_without_images_of_known_classes_are_counted_and_others_refused(folder, tmp_path, content):
    (folder / "test" / "ant").rename(folder / "test" / "dog")
    for name in ("bee", "cat"):
        shutil.rmtree(folder / "test" / name)
    wanted = {"train": None, "evaluation_only": True, "classes": "cifar10"}
    (folder / "test" / "truck").mkdir()
    if content:
        (folder / "test" / "truck" / content).touch()
    remarks = prepared(folder, tmp_path / "out", **wanted).record["remarks"]
    assert any(line.startswith("without test images: 9 of 10 classes") for line in remarks)
    (folder / "test" / "truck").rename(folder / "test" / "trukc")
    with pytest.raises(InputError, match="has a folder 'trukc', which is none of cifar10's 10 classes"):
        prepared(folder, tmp_path / "other", **wanted)
    if not content:
        return
    (folder / "test" / "trukc").rename(folder / "test" / "truck")
    shutil.rmtree(folder / "test" / "dog")
    with pytest.raises(InputError, match="has no image in its class folders in 'test': put some in"):
        prepared(folder, tmp_path / "other", **wanted)
