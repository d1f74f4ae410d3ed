import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.cifar import prepare
from filterfreq.data.registry import Source, get_dataset
from filterfreq.runtime.errors import InputError

RAW = "raw.tar.gz"


def make_set(name, train_size, test_size):
    """Random images and labels, and the files of the archive that hold them, written record by record."""
    rng = np.random.default_rng(0)
    classes = len(get_dataset(name).classes)
    splits, contents = {}, {}
    for split, size in (("train", train_size), ("test", test_size)):
        images = rng.integers(0, 256, (size, 32, 32, 3), dtype=np.uint8)
        labels = np.arange(size) % classes
        records = []
        for image, label in zip(images, labels, strict=True):
            head = [label] if name == "cifar10" else [label % 20, label]
            pixels = [image[row, column, c] for c in range(3) for row in range(32) for column in range(32)]
            records.append(bytes(np.array(head + pixels, dtype=np.uint8)))
        splits[split] = images, labels
        contents[split] = records
    if name == "cifar10":
        share = train_size // 5
        files = {
            f"cifar-10-batches-bin/data_batch_{i + 1}.bin": contents["train"][i * share : (i + 1) * share]
            for i in range(5)
        }
        files["cifar-10-batches-bin/test_batch.bin"] = contents["test"]
    else:
        files = {"cifar-100-binary/train.bin": contents["train"], "cifar-100-binary/test.bin": contents["test"]}
    return splits, {file: b"".join(records) for file, records in files.items()}


def write_archive(folder, files):
    with tarfile.open(folder / RAW, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def describe(folder, name, train_size, test_size):
    checksum = "md5:" + hashlib.md5((folder / RAW).read_bytes()).hexdigest()
    source = Source(RAW, ("http://localhost/raw.tar.gz",), checksum, (folder / RAW).stat().st_size)
    return replace(get_dataset(name), train_size=train_size, test_size=test_size, sources=(source,))


@pytest.mark.parametrize(("name", "train_size", "test_size"), [("cifar10", 25, 20), ("cifar100", 10, 100)])
def test_every_pixel_and_label_arrives(tmp_path, name, train_size, test_size):
    splits, files = make_set(name, train_size, test_size)
    write_archive(tmp_path, files)
    dataset = describe(tmp_path, name, train_size, test_size)
    prepare(tmp_path, tmp_path / "out", 0, dataset)
    prepared = PreparedDataset(tmp_path / "out")

    np.testing.assert_array_equal(prepared.images("train"), splits["train"][0])
    np.testing.assert_array_equal(prepared.labels("train"), splits["train"][1])
    # The test images are reordered: find each by its content.
    place = {image.tobytes(): label for image, label in zip(*splits["test"], strict=True)}
    order = [place.pop(image.tobytes()) for image in prepared.images("test")]
    assert not place
    np.testing.assert_array_equal(prepared.labels("test"), order)
    classes = min(test_size, len(dataset.classes))
    assert sorted(prepared.labels("test")[:classes]) == list(range(classes))
    assert prepared.labels("test").tolist() != splits["test"][1].tolist()

    assert prepared.mean == get_dataset(name).mean
    assert prepared.classes == get_dataset(name).classes
    assert prepared.record["sources"] == {RAW: dataset.sources[0].checksum}


def test_seed_fixes_the_order_of_the_test_images(tmp_path):
    _, files = make_set("cifar10", 5, 20)
    write_archive(tmp_path, files)
    dataset = describe(tmp_path, "cifar10", 5, 20)
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        prepare(tmp_path, tmp_path / folder, seed, dataset)
    a, b, c = ((tmp_path / folder / "arrays" / "test_images.npy").read_bytes() for folder in "abc")
    assert a == b != c


def truncated(content):
    return content[: len(content) // 2]


def altered(content):
    return content[:2000] + bytes(1000) + content[3000:]


def no_archive(content):
    return b"<html>not here</html>"


@pytest.mark.parametrize("damage", [truncated, altered, no_archive])
def test_a_damaged_archive_is_found_by_its_checksum(tmp_path, damage):
    _, files = make_set("cifar10", 5, 10)
    write_archive(tmp_path, files)
    dataset = describe(tmp_path, "cifar10", 5, 10)
    content = damage((tmp_path / RAW).read_bytes())
    (tmp_path / RAW).write_bytes(content)
    with pytest.raises(InputError, match=rf"raw.tar.gz has {len(content)} bytes and not the checksum md5:"):
        prepare(tmp_path, tmp_path / "out", 0, dataset)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", [truncated, no_archive])
def test_an_archive_that_cannot_be_unpacked(tmp_path, damage):
    _, files = make_set("cifar10", 5, 10)
    write_archive(tmp_path, files)
    (tmp_path / RAW).write_bytes(damage((tmp_path / RAW).read_bytes()))
    with pytest.raises(InputError, match=r"raw.tar.gz (cannot be read|is damaged .*) \(.*\): replace it"):
        prepare(tmp_path, tmp_path / "out", 0, describe(tmp_path, "cifar10", 5, 10))
    assert not (tmp_path / "out").exists()


def test_a_missing_member(tmp_path):
    _, files = make_set("cifar10", 5, 10)
    del files["cifar-10-batches-bin/data_batch_3.bin"]
    write_archive(tmp_path, files)
    with pytest.raises(InputError, match=r"raw.tar.gz lacks .*data_batch_3.bin"):
        prepare(tmp_path, tmp_path / "out", 0, describe(tmp_path, "cifar10", 5, 10))


def test_wrong_record_sizes(tmp_path):
    _, files = make_set("cifar10", 5, 10)
    files["cifar-10-batches-bin/test_batch.bin"] = files["cifar-10-batches-bin/test_batch.bin"][:-1]
    write_archive(tmp_path, files)
    with pytest.raises(InputError, match=r"test_batch.bin .* hold 30729 bytes, but 10 records take 30730"):
        prepare(tmp_path, tmp_path / "out", 0, describe(tmp_path, "cifar10", 5, 10))
    assert not (tmp_path / "out").exists()


def test_labels_beyond_the_classes(tmp_path):
    _, files = make_set("cifar10", 5, 10)
    name = "cifar-10-batches-bin/test_batch.bin"
    files[name] = b"\x0a" + files[name][1:]
    write_archive(tmp_path, files)
    with pytest.raises(InputError, match="labels from 1 to 10, but there are 10 classes"):
        prepare(tmp_path, tmp_path / "out", 0, describe(tmp_path, "cifar10", 5, 10))
    assert not (tmp_path / "out").exists()
