import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.registry import Source, get_dataset
from filterfreq.data.saving import save_splits
from filterfreq.data.shifted.registry import PUBLISHED_CORRUPTIONS, CorruptedImages, downloads
from filterfreq.evaluation.corruptions import CORRUPTIONS
from filterfreq.evaluation.corruptions.generation import corrupt_images
from filterfreq.evaluation.corruptions.published import reorder
from filterfreq.evaluation.corruptions.stored import find_published, load_corrupted
from filterfreq.runtime.errors import InputError

COUNT = 30
NAMES = ("fog", "brightness", "contrast")


@pytest.fixture
def originals() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8), rng.permutation(np.arange(COUNT) % 10)


@pytest.fixture
def prepared(originals, tmp_path) -> PreparedDataset:
    small = replace(get_dataset("cifar10"), train_size=COUNT, test_size=COUNT)
    save_splits(tmp_path / "prepared", small, originals, originals, seed=0, sources={})
    return PreparedDataset(tmp_path / "prepared")


def marked(images, corruption, severity):
    """A corruption that tells by one pixel which it is."""
    images = images.copy()
    images[..., 0, 0, :] = NAMES.index(corruption), severity, 0
    return images


def write(folder, originals, names=NAMES, **replaced) -> tuple:
    """A tar in CIFAR-10-C's layout, and its description."""
    images, labels = originals
    arrays = {name: np.concatenate([marked(images, name, severity) for severity in range(1, 6)]) for name in names}
    arrays["labels"] = np.tile(labels, 5).astype(np.uint8)
    path = folder / "CIFAR-10-C.tar"
    with tarfile.open(path, "w") as archive:
        folder_member = tarfile.TarInfo("CIFAR-10-C")
        folder_member.type = tarfile.DIRTYPE
        archive.addfile(folder_member)
        for name, array in (arrays | replaced).items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=array.dtype == object)
            member = tarfile.TarInfo(f"CIFAR-10-C/{name}.npy")
            member.size = buffer.tell()
            archive.addfile(member, io.BytesIO(buffer.getvalue()))
    checksum = "md5:" + hashlib.md5(path.read_bytes()).hexdigest()
    source = Source("CIFAR-10-C.tar", ("http://localhost/x",), checksum, path.stat().st_size)
    return [path], CorruptedImages((source,), "arrays")


def silent(line):
    pass


@pytest.mark.parametrize("images", [None, 12])
def test_each_published_image_stands_beside_the_prepared_image_it_was_made_of(originals, prepared, tmp_path, images):
    path, source = write(tmp_path, originals)
    reorder(path, source, prepared, tmp_path / "out", images, NAMES, announce=silent)
    clean = prepared.images("test")[:images]
    assert not np.array_equal(clean, originals[0][: len(clean)])  # prepared in another order than published
    for name in NAMES:
        corrupted = load_corrupted(tmp_path / "out" / f"{name}.npy")
        expected = np.concatenate([marked(clean, name, severity) for severity in range(1, 6)])
        np.testing.assert_array_equal(corrupted, expected)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "brightness.npy",
        "checksums.json",
        "contrast.npy",
        "fog.npy",
        "published.json",
    ]
    assert find_published(tmp_path / "out") == list(NAMES)


def test_one_line_for_each_corruption(originals, prepared, tmp_path):
    path, source = write(tmp_path, originals)
    lines = []
    reorder(path, source, prepared, tmp_path / "out", 5, NAMES, announce=lines.append)
    assert [line.split()[2] for line in lines] == list(NAMES)


def test_other_labels_are_refused(originals, prepared, tmp_path):
    labels = np.tile(originals[1], 5)
    labels[4 * COUNT] = (labels[4 * COUNT] + 1) % 10
    path, source = write(tmp_path, originals, labels=labels)
    with pytest.raises(InputError, match=r"the labels in .*tar are not those of cifar10's test images in .*prepared"):
        reorder(path, source, prepared, tmp_path / "out", None, NAMES, announce=silent)
    path, source = write(tmp_path, originals, labels=labels[:-1])
    with pytest.raises(InputError, match="the labels in"):
        reorder(path, source, prepared, tmp_path / "out", None, NAMES, announce=silent)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.zeros((COUNT, 32, 32, 3), dtype=np.uint8),
            r"fog.npy in .*tar holds uint8 \[30, 32, 32, 3\] where",
        ),
        (np.zeros((5 * COUNT, 32, 32, 3)), r"fog.npy in .*tar holds float64"),
        (np.array([{}]), r"fog.npy in .*tar is damaged or not what it should be \(.*\): get a whole copy"),
    ],
)
def test_other_content_is_refused(originals, prepared, tmp_path, array, message):
    path, source = write(tmp_path, originals, fog=array)
    with pytest.raises(InputError, match=message):
        reorder(path, source, prepared, tmp_path / "out", None, NAMES, announce=silent)


def test_a_missing_corruption_and_a_damaged_archive(originals, prepared, tmp_path):
    path, source = write(tmp_path, originals, NAMES[:2])
    with pytest.raises(InputError, match=r"CIFAR-10-C.tar lacks CIFAR-10-C/contrast.npy"):
        reorder(path, source, prepared, tmp_path / "out", None, NAMES, announce=silent)
    path[0].write_bytes(path[0].read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"CIFAR-10-C.tar has \d+ bytes and not the checksum"):
        reorder(path, source, prepared, tmp_path / "out", None, NAMES, announce=silent)


def test_all_corruptions_are_wanted_unless_said(originals, prepared, tmp_path):
    path, source = write(tmp_path, originals)
    missing = ", ".join(f"CIFAR-10-C/{name}.npy" for name in sorted(set(CORRUPTIONS) - set(NAMES))[:3])
    with pytest.raises(InputError, match=missing):
        reorder(path, source, prepared, tmp_path / "out", announce=silent)


CLASSES = ("n01440764", "n01443537", "n02077923")


def jpeg(level: int, size: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), (level, level, level)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def write_files(path, top, corruptions, images, size, leave_out=()) -> Source:
    """A tar in ImageNet-C's layout; grey levels tell corruption, severity and image."""
    with tarfile.open(path, "w") as archive:
        for c, corruption in enumerate(corruptions):
            for severity in range(1, 6):
                for number, image in enumerate(images):
                    name = f"{top}{corruption}/{severity}/{image}"
                    if name in leave_out:
                        continue
                    content = jpeg(100 * c + 10 * severity + number, size)
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    checksum = "md5:" + hashlib.md5(path.read_bytes()).hexdigest()
    return Source(path.name, ("http://localhost/x",), checksum, path.stat().st_size)


class OnFiles:
    """A prepared data set whose test images stay in files."""

    name, classes, folder = "imagenet", CLASSES, Path("prepared")

    def __init__(self, names, labels, size):
        self.names, self._labels, self.size = names, np.array(labels), size

    def images(self, split):
        return ImageFiles("nowhere", self.names, self.size)

    def labels(self, split):
        return self._labels


# As ImageNet's validation images: their names tell nothing of the class.
VALIDATION = {f"ILSVRC2012_val_0000000{number}.JPEG": number % 3 for number in range(1, 7)}
PUBLISHED = sorted(f"{CLASSES[label]}/{name}" for name, label in VALIDATION.items())


def test_imagenet_c_stays_in_files_beside_the_images_it_was_made_of(tmp_path):
    archives = [tmp_path / "weather.tar", tmp_path / "digital.tar"]
    sources = [
        write_files(archives[0], "", ["fog", "brightness"], PUBLISHED, 224),
        write_files(archives[1], "", ["contrast"], PUBLISHED, 224),
    ]
    names = [f"val/{name}" for name in reversed(VALIDATION)]
    dataset = OnFiles(names, list(reversed(VALIDATION.values())), 224)
    reorder(archives, CorruptedImages(tuple(sources), "files"), dataset, tmp_path / "out", 4, NAMES, announce=silent)
    assert find_published(tmp_path / "out") == list(NAMES)
    for name, base in (("fog", 0), ("brightness", 100), ("contrast", 0)):
        corrupted = load_corrupted(tmp_path / "out" / f"{name}.npy", threads=2)
        assert isinstance(corrupted, ImageFiles)
        assert corrupted.shape == (20, 224, 224, 3)
        indices = [PUBLISHED.index(f"{CLASSES[VALIDATION[path[4:]]]}/{path[4:]}") for path in names[:4]]
        expected = [base + 10 * severity + index for severity in range(1, 6) for index in indices]
        assert np.asarray(corrupted)[:, 7, 7, 0].tolist() == expected
    # Only those wanted are unpacked.
    assert len(list((tmp_path / "out" / "files").rglob("*.JPEG"))) == 3 * 5 * 4
    index = tmp_path / "out" / "fog.json"
    index.write_text(index.read_text().replace("00006", "00002"))
    with pytest.raises(InputError, match=r"fog\.json does not have its recorded SHA-256"):
        load_corrupted(tmp_path / "out" / "fog.npy")


def test_images_of_another_class_than_published_are_refused(tmp_path):
    archive = tmp_path / "fog.tar"
    published = CorruptedImages((write_files(archive, "", ["fog"], PUBLISHED, 80),), "files")
    dataset = OnFiles(list(VALIDATION), [*list(VALIDATION.values())[:-1], 1], 80)
    with pytest.raises(InputError, match=r"fog in .*fog.tar has n01440764/ILSVRC2012_val_00000006.JPEG, but the test"):
        reorder([archive], published, dataset, tmp_path / "out", None, ["fog"], announce=silent)


def tiny_imagenet(tmp_path, images) -> PreparedDataset:
    labels = np.array([0, 2, 1, 2, 0, 1])
    entry = replace(get_dataset("tinyimagenet"), classes=CLASSES, train_size=6, test_size=6)
    save_splits(tmp_path / "prepared", entry, (images, labels), (images, labels), seed=0, sources={})
    return PreparedDataset(tmp_path / "prepared")


def test_tiny_imagenet_c_becomes_arrays_of_the_same_classes_and_what_it_lacks_is_generated(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    dataset = tiny_imagenet(tmp_path, images)
    published = [f"{label}/test_{number}.JPEG" for label in CLASSES for number in (10, 9)]
    archive = tmp_path / "Tiny-ImageNet-C.tar"
    source = write_files(archive, "Tiny-ImageNet-C/", ["fog", "contrast"], published, 64)
    wanted = ["fog", "saturate", "contrast"]
    published_set = CorruptedImages((source,), "files")
    reorder([archive], published_set, dataset, tmp_path / "out", 5, wanted, seed=3, announce=silent)
    assert find_published(tmp_path / "out") == ["fog", "contrast"]
    labels = dataset.labels("test")[:5]
    for name, base in (("fog", 0), ("contrast", 100)):
        corrupted = load_corrupted(tmp_path / "out" / f"{name}.npy")[:, 7, 7, 0].reshape(5, 5).astype(int) - base
        for severity, levels in enumerate(corrupted, start=1):
            indices = levels - 10 * severity
            assert [published[index].partition("/")[0] for index in indices] == [CLASSES[label] for label in labels]
            assert len(set(indices)) == 5
            np.testing.assert_array_equal(indices, corrupted[0] - 10)
    generated = load_corrupted(tmp_path / "out" / "saturate.npy")
    np.testing.assert_array_equal(generated, corrupt_images(dataset.images("test")[:5], "saturate", 3))


def test_tiny_imagenet_c_is_cut_as_the_test_images_are(tmp_path):
    """Where models see 56 of 64 pixels, of the corrupted images too."""
    dataset = tiny_imagenet(tmp_path, np.zeros((6, 56, 56, 3), dtype=np.uint8))
    ramp = np.repeat(np.arange(0, 256, 4, dtype=np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    archive = tmp_path / "Tiny-ImageNet-C.tar"
    with tarfile.open(archive, "w") as tar:
        for name in (
            f"fog/{severity}/{label}/{n}.png" for severity in range(1, 6) for label in CLASSES for n in (0, 1)
        ):
            content = io.BytesIO()
            Image.fromarray(ramp).save(content, "png")
            info = tarfile.TarInfo(name)
            info.size = content.tell()
            content.seek(0)
            tar.addfile(info, content)
    source = Source(archive.name, (), f"md5:{hashlib.md5(archive.read_bytes()).hexdigest()}", archive.stat().st_size)
    published = replace(PUBLISHED_CORRUPTIONS["tinyimagenet"], sources=(source,))
    reorder([archive], published, dataset, tmp_path / "out", None, ["fog"], announce=silent)
    np.testing.assert_array_equal(load_corrupted(tmp_path / "out" / "fog.npy")[7], ramp[4:60, 4:60])


def test_files_that_do_not_suffice_are_named(tmp_path):
    dataset = tiny_imagenet(tmp_path, np.zeros((6, 64, 64, 3), dtype=np.uint8))
    archive = tmp_path / "Tiny-ImageNet-C.tar"
    few = [f"{label}/test_0.JPEG" for label in CLASSES]
    for images, options, message in (
        (few, {}, r"fog in .*C.tar has fewer images of the class n\d+ than are tested"),
        (few, {"leave_out": [f"fog/3/{few[1]}"]}, r"fog in .*C.tar lacks 3/n01443537/test_0.JPEG: get a whole copy"),
        ([], {}, r"C.tar holds no <corruption>/<severity>/<class>/<image>"),
    ):
        source = write_files(archive, "", ["fog"], images, 64, **options)
        with pytest.raises(InputError, match=message):
            reorder(
                [archive],
                CorruptedImages((source,), "files"),
                dataset,
                tmp_path / "out",
                None,
                ["fog"],
                announce=silent,
            )


def test_published_sets_are_complete():
    assert list(PUBLISHED_CORRUPTIONS) == ["cifar10", "cifar100", "tinyimagenet", "imagenet"]
    for name, published in PUBLISHED_CORRUPTIONS.items():
        assert published.layout == ("arrays" if name.startswith("cifar") else "files")
        for source in published.sources:
            assert downloads(name)[source.file] == source
            assert source.checksum.partition(":")[0] in ("md5", "sha256")
            assert all(url.startswith("https://zenodo.org/records/") for url in source.urls)
