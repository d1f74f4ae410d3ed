import gzip
import hashlib
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision import transforms
from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.mnist import prepare, read_idx
from filterfreq.data.registry import Source, get_dataset
from filterfreq.runtime.errors import InputError

DATA = Path(__file__).parents[3] / "shared" / "data"
SIZES = {"train": 30, "t10k": 20}


def make_set(folder, name):
    """Random images and labels in the four files; returns them, and the entry that describes the files."""
    rng = np.random.default_rng(0)
    contents = {}
    splits = {}
    for split, size in SIZES.items():
        images = rng.integers(0, 256, (size, 28, 28), dtype=np.uint8)
        labels = rng.permutation(np.arange(size) % 10).astype(np.uint8)
        contents[f"{split}-images-idx3-ubyte.gz"] = struct.pack(">4i", 2051, size, 28, 28) + images.tobytes()
        contents[f"{split}-labels-idx1-ubyte.gz"] = struct.pack(">2i", 2049, size) + labels.tobytes()
        splits[split] = images, labels
    for file, content in contents.items():
        (folder / file).write_bytes(gzip.compress(content, mtime=0))
    return splits, described(folder, name)


def described(folder, name):
    entry = get_dataset(name)
    sources = []
    for source in entry.sources:
        content = (folder / source.file).read_bytes()
        sources.append(Source(source.file, source.urls, "md5:" + hashlib.md5(content).hexdigest(), len(content)))
    return replace(entry, sources=tuple(sources), train_size=SIZES["train"], test_size=SIZES["t10k"])


@pytest.mark.parametrize("name", ["mnist", "mnist-28", "kmnist", "fashionmnist"])
def test_every_image_and_label_arrives(tmp_path, name):
    splits, entry = make_set(tmp_path, name)
    prepare(tmp_path, tmp_path / "out", 0, entry)
    prepared = PreparedDataset(tmp_path / "out")
    order = prepared.array("test_order")
    assert order.tolist() != list(range(20))
    for split, (images, labels), places in (
        ("train", splits["train"], np.arange(30)),
        ("test", splits["t10k"], order),
    ):
        # Images of 28 pixels are resized to 28 as they are.
        resize = transforms.Compose([transforms.Resize(entry.image_size), transforms.Grayscale(3)])
        expected = np.stack([np.asarray(resize(Image.fromarray(image))) for image in images])
        np.testing.assert_array_equal(prepared.images(split), expected[places])
        np.testing.assert_array_equal(prepared.labels(split), labels[places])
    assert sorted(prepared.labels("test")[:10]) == list(range(10))
    assert (prepared.mean, prepared.std) == (get_dataset(name).mean, get_dataset(name).std)
    assert set(prepared.record["sources"]) == {source.file for source in entry.sources}


def test_idx_as_torchvision_reads_it(tmp_path):
    make_set(tmp_path, "mnist")
    path = tmp_path / "train-images-idx3-ubyte.gz"
    (tmp_path / "plain").write_bytes(gzip.decompress(path.read_bytes()))
    np.testing.assert_array_equal(read_idx(path), read_sn3_pascalvincent_tensor(str(tmp_path / "plain")).numpy())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no gzip", "file is no IDX file of bytes"),
        (gzip.compress(b"x" * 1000, mtime=0)[:-12], r"file is damaged or not what it should be \(.*\): replace"),
        (gzip.compress(b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", mtime=0), "file is no IDX file of bytes"),
        (gzip.compress(b"\0\0", mtime=0), "file is no IDX file of bytes"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x05abcd", mtime=0), r"file has 4 values for the shape \(5,\)"),
        (gzip.compress(b"\0\0\x08\x03\0\0\0\x05", mtime=0), r"file has 0 values for the shape \(5,\)"),
    ],
)
def test_what_is_no_idx_file(tmp_path, content, message):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_idx(tmp_path / "file")


def test_other_numbers_than_the_registry_says(tmp_path):
    _, entry = make_set(tmp_path, "mnist")
    with pytest.raises(InputError, match=r"mnist has 20 test images and 20 labels, but there should be 10000: get"):
        prepare(tmp_path, tmp_path / "out", 0, replace(entry, test_size=10_000))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(struct.pack(">2i", 2049, 29) + bytes(29)))
    with pytest.raises(InputError, match="mnist has 30 train images and 29 labels"):
        prepare(tmp_path, tmp_path / "out", 0, described(tmp_path, "mnist"))
    assert not (tmp_path / "out").exists()


def test_a_damaged_file_is_found_by_its_checksum(tmp_path):
    _, entry = make_set(tmp_path, "mnist")
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"t10k-images-idx3-ubyte.gz has 0 bytes and not the checksum md5:"):
        prepare(tmp_path, tmp_path / "out", 0, entry)


def unpacked(folder, name, destination, spelt="{}"):
    """Unpack the four files into another folder; returns the entry that knows them by their checksums."""
    destination.mkdir(parents=True)
    entry = described(folder, name)
    sources = []
    for source, known in zip(entry.sources, get_dataset(name).sources, strict=True):
        content = gzip.decompress((folder / source.file).read_bytes())
        plain = source.file.removesuffix(".gz")
        (destination / (plain.replace("-idx", ".idx") if spelt == "with a point" else plain)).write_bytes(content)
        checksum = "md5:" + hashlib.md5(content).hexdigest()
        forms = tuple((replace(form[0], checksum=checksum),) for form in known.forms)
        sources.append(replace(source, folder=known.folder, forms=forms))
    return replace(entry, sources=tuple(sources))


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("name", "root"), [("mnist", "MNIST"), ("fashionmnist", "FashionMNIST")])
@pytest.mark.parametrize("given", ["", "{}", "{}/raw"], ids=["torchvision's root", "its folder", "raw"])
def test_unpacked_files_become_the_same_bytes(tmp_path, name, root, given):
    _, packed = make_set(tmp_path, name)
    prepare(tmp_path, tmp_path / "expected", 3, packed)
    entry = unpacked(tmp_path, name, tmp_path / "data" / root / "raw")
    prepare(tmp_path / "data" / given.format(root), tmp_path / "out", 3, entry)
    assert contents(tmp_path / "out") == contents(tmp_path / "expected")


def test_unpacked_files_with_a_point_in_their_names(tmp_path):
    _, packed = make_set(tmp_path, "mnist")
    prepare(tmp_path, tmp_path / "expected", 3, packed)
    entry = unpacked(tmp_path, "mnist", tmp_path / "data", spelt="with a point")
    prepare(tmp_path / "data", tmp_path / "out", 3, entry)
    assert contents(tmp_path / "out") == contents(tmp_path / "expected")


def test_archives_that_were_packed_anew_are_known_by_what_is_in_them(tmp_path):
    _, packed = make_set(tmp_path, "mnist")
    prepare(tmp_path, tmp_path / "expected", 3, packed)
    entry = unpacked(tmp_path, "mnist", tmp_path / "data")
    for path in tmp_path.glob("*.gz"):
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1, mtime=7))
    prepare(tmp_path, tmp_path / "out", 3, entry)
    assert contents(tmp_path / "out") == contents(tmp_path / "expected")
    path = tmp_path / "t10k-labels-idx1-ubyte.gz"
    for content in (gzip.compress(struct.pack(">2i", 2049, 20) + bytes(20)), b"no gzip", path.read_bytes()[:-5]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"t10k-labels-idx1-ubyte.gz has \d+ bytes and not the checksum md5:"):
            prepare(tmp_path, tmp_path / "new", 3, entry)


def test_a_changed_unpacked_file_is_found(tmp_path):
    make_set(tmp_path, "mnist")
    entry = unpacked(tmp_path, "mnist", tmp_path / "data")
    path = tmp_path / "data" / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match=r"t10k-images-idx3-ubyte has \d+ bytes and not the checksum md5:"):
        prepare(tmp_path / "data", tmp_path / "out", 3, entry)


def test_mnist_itself_is_known_by_what_is_in_it():
    given = DATA / "mnist"
    if not given.is_dir():
        pytest.skip(f"MNIST is not at {given}")
    for source in get_dataset("mnist").sources:
        content = gzip.decompress((given / source.file).read_bytes())
        assert {form[0].checksum for form in source.forms} == {f"md5:{hashlib.md5(content).hexdigest()}"}


@pytest.mark.slow
def test_mnist_itself_is_prepared_though_it_was_packed_anew(tmp_path):
    given = DATA / "mnist"
    if not given.is_dir():
        pytest.skip(f"MNIST is not at {given}")
    prepare(given, tmp_path / "out", 0, get_dataset("mnist"))
    labels = PreparedDataset(tmp_path / "out").labels("test")
    # As published: the number of each digit among the test images.
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
