import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from filterfreq.data.arrays import PreparedDataset, save_splits
from filterfreq.data.registry import Source, get_dataset
from filterfreq.errors import InputError
from filterfreq.evaluation.corruptions import CORRUPTIONS, load_corrupted
from filterfreq.evaluation.published_corruptions import reorder

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
    return path, Source("CIFAR-10-C.tar", ("http://localhost/x",), checksum, path.stat().st_size)


def silent(line):
    pass


@pytest.mark.parametrize("images", [None, 12])
def test_each_published_image_stands_beside_the_prepared_image_it_was_made_of(originals, prepared, tmp_path, images):
    path, source = write(tmp_path, originals)
    reorder(path, source, prepared, tmp_path / "out", images, NAMES, silent)
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
    ]


def test_one_line_for_each_corruption(originals, prepared, tmp_path):
    path, source = write(tmp_path, originals)
    lines = []
    reorder(path, source, prepared, tmp_path / "out", 5, NAMES, lines.append)
    assert [line.split()[2] for line in lines] == list(NAMES)


def test_other_labels_are_refused(originals, prepared, tmp_path):
    labels = np.tile(originals[1], 5)
    labels[4 * COUNT] = (labels[4 * COUNT] + 1) % 10
    path, source = write(tmp_path, originals, labels=labels)
    with pytest.raises(InputError, match=r"the labels in .*tar are not those of cifar10's test images in .*prepared"):
        reorder(path, source, prepared, tmp_path / "out", None, NAMES, silent)
    path, source = write(tmp_path, originals, labels=labels[:-1])
    with pytest.raises(InputError, match="the labels in"):
        reorder(path, source, prepared, tmp_path / "out", None, NAMES, silent)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.zeros((COUNT, 32, 32, 3), dtype=np.uint8),
            r"fog.npy in .*tar holds uint8 \[30, 32, 32, 3\] where",
        ),
        (np.zeros((5 * COUNT, 32, 32, 3)), r"fog.npy in .*tar holds float64"),
        (np.array([{}]), r"fog.npy in .*tar is no .npy file \(.*\): get a whole copy"),
    ],
)
def test_other_content_is_refused(originals, prepared, tmp_path, array, message):
    path, source = write(tmp_path, originals, fog=array)
    with pytest.raises(InputError, match=message):
        reorder(path, source, prepared, tmp_path / "out", None, NAMES, silent)


def test_a_missing_corruption_and_a_damaged_archive(originals, prepared, tmp_path):
    path, source = write(tmp_path, originals, NAMES[:2])
    with pytest.raises(InputError, match=r"CIFAR-10-C.tar lacks CIFAR-10-C/contrast.npy"):
        reorder(path, source, prepared, tmp_path / "out", None, NAMES, silent)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"CIFAR-10-C.tar has \d+ bytes and not the checksum"):
        reorder(path, source, prepared, tmp_path / "out", None, NAMES, silent)


def test_all_corruptions_are_wanted_unless_said(originals, prepared, tmp_path):
    path, source = write(tmp_path, originals)
    missing = ", ".join(f"CIFAR-10-C/{name}.npy" for name in sorted(set(CORRUPTIONS) - set(NAMES))[:3])
    with pytest.raises(InputError, match=missing):
        reorder(path, source, prepared, tmp_path / "out", announce=silent)
