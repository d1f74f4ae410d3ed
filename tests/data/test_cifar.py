import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest
from torchvision.datasets import CIFAR10, CIFAR100

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


def python_2_pickle(images, labels, key):
    """Return a file of the version for Python as Python 2 pickled it, with strings of bytes and an array of numpy's.

    Written opcode by opcode in protocol 2, because Python 3 pickles bytes in another way.
    """

    def text(value):
        return b"U" + bytes([len(value)]) + value

    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n"
        + (b"cnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R")
        + (b"(K\x01" + b"J" + len(rows).to_bytes(4, "little") + b"M\x00\x0c\x86")
        + (b"cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R(K\x03" + text(b"|") + b"NNN" + b"J\xff\xff\xff\xff" * 2)
        + (b"K\x00tb\x89T" + rows.nbytes.to_bytes(4, "little") + rows.tobytes() + b"tb")
    )
    entries = text(b"batch_label") + text(b"of a test") + text(key) + b"](" + numbers + b"e" + text(b"data") + array
    return b"\x80\x02}(" + entries + b"u."


def python_files(name, splits):
    """Return the files of the version for Python, by their names there."""
    (train, train_labels), (test, test_labels) = splits["train"], splits["test"]
    if name == "cifar100":
        parts = {"train": (train, train_labels), "test": (test, test_labels)}
        return {file: python_2_pickle(*part, b"fine_labels") for file, part in parts.items()}
    parts = {
        f"data_batch_{number}": pair
        for number, pair in enumerate(zip(np.split(train, 5), np.split(train_labels, 5), strict=True), start=1)
    }
    return {
        file: python_2_pickle(*part, b"labels") for file, part in (parts | {"test_batch": (test, test_labels)}).items()
    }


def known_by(dataset, files, archive=b""):
    """Return an entry whose other forms have the checksums of these files."""
    digests = {file: f"md5:{hashlib.md5(content).hexdigest()}" for file, content in files.items()}
    source = dataset.sources[0]
    packed, unpacked = get_dataset(dataset.name).sources[0].forms
    forms = (
        (replace(packed[0], checksum=f"md5:{hashlib.md5(archive).hexdigest()}"),),
        tuple(replace(file, checksum=digests[file.file]) for file in unpacked),
    )
    return replace(dataset, sources=(replace(source, forms=forms),))


@pytest.fixture(params=["cifar10", "cifar100"])
def both_versions(request, tmp_path):
    """A small CIFAR: what its archive is prepared to, and its version for Python, with the entry that knows both."""
    name, folder = request.param, {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}[request.param]
    splits, records = make_set(name, 20, 100)
    write_archive(tmp_path, records)
    described = describe(tmp_path, name, 20, 100)
    prepare(tmp_path, tmp_path / "expected", 3, described)
    (tmp_path / RAW).unlink()
    files = python_files(name, splits)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for file, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{file}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return folder, files, packed.getvalue(), known_by(described, files, packed.getvalue())


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("where", ["{folder}", "", "elsewhere"], ids=["torchvision's root", "the folder", "renamed"])
def test_the_version_for_python_becomes_the_same_bytes(tmp_path, both_versions, where):
    folder, files, _, dataset = both_versions
    given = tmp_path / "given"
    for file, content in files.items():
        path = given / where.format(folder=folder) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    prepare(given / "elsewhere" if where == "elsewhere" else given, tmp_path / "out", 3, dataset)
    assert contents(tmp_path / "out") == contents(tmp_path / "expected")


def test_the_archive_for_python_becomes_the_same_bytes(tmp_path, both_versions):
    _, _, archive, dataset = both_versions
    (tmp_path / dataset.sources[0].forms[0][0].file).write_bytes(archive)
    prepare(tmp_path, tmp_path / "out", 3, dataset)
    assert contents(tmp_path / "out") == contents(tmp_path / "expected")


def test_torchvision_reads_the_same_from_these_files(tmp_path, both_versions, monkeypatch):
    folder, files, _, dataset = both_versions
    reader = {"cifar10": CIFAR10, "cifar100": CIFAR100}[dataset.name]
    monkeypatch.setattr(reader, "_check_integrity", lambda _: True)
    monkeypatch.setattr(reader, "_load_meta", lambda _: None)
    (tmp_path / folder).mkdir()
    for file, content in files.items():
        (tmp_path / folder / file).write_bytes(content)
    prepare(tmp_path, tmp_path / "out", 3, dataset)
    prepared = PreparedDataset(tmp_path / "out")
    train, test = reader(tmp_path, train=True), reader(tmp_path, train=False)
    order = prepared.array("test_order")
    np.testing.assert_array_equal(prepared.images("train"), train.data)
    np.testing.assert_array_equal(prepared.labels("train"), train.targets)
    np.testing.assert_array_equal(prepared.images("test"), test.data[order])
    np.testing.assert_array_equal(prepared.labels("test"), np.array(test.targets)[order])


def test_a_changed_file_of_the_version_for_python_is_found(tmp_path, both_versions):
    folder, files, _, dataset = both_versions
    (tmp_path / folder).mkdir()
    *_, last = files
    for file, content in files.items():
        (tmp_path / folder / file).write_bytes(content[:-9] + b"x" + content[-8:] if file == last else content)
    with pytest.raises(
        InputError, match=rf"{folder}/{last} has \d+ bytes and not the checksum md5:.* put the right one"
    ):
        prepare(tmp_path, tmp_path / "out", 3, dataset)
    assert not (tmp_path / "out").exists()


def test_a_pickle_of_that_checksum_would_still_run_nothing(tmp_path, both_versions):
    """Only an entry of the registry that somebody has changed gets here."""
    folder, files, _, dataset = both_versions
    (tmp_path / folder).mkdir()
    evil = dict.fromkeys(files, b"\x80\x02cposix\nsystem\nU\x05touch\x85R.")
    for file, content in evil.items():
        (tmp_path / folder / file).write_bytes(content)
    with pytest.raises(InputError, match=r"it names posix\.system, which makes no array\): get a whole copy"):
        prepare(tmp_path, tmp_path / "out", 3, known_by(dataset, evil))
