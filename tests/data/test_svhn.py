import hashlib
from dataclasses import replace

import numpy as np
import pytest
from scipy.io import savemat

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.registry import Source, get_dataset
from filterfreq.data.svhn import prepare
from filterfreq.runtime.errors import InputError

SIZES = {"train_32x32.mat": 30, "test_32x32.mat": 20}


def make_set(folder):
    rng = np.random.default_rng(0)
    splits = []
    for file, size in SIZES.items():
        images = rng.integers(0, 256, (size, 32, 32, 3), dtype=np.uint8)
        digits = rng.permutation(np.arange(size) % 10)
        columns = np.where(digits == 0, 10, digits).astype(np.uint8)[:, None]
        savemat(folder / file, {"X": images.transpose(1, 2, 3, 0), "y": columns}, do_compression=True)
        splits.append((images, digits))
    return splits, described(folder)


def described(folder):
    entry = get_dataset("svhn")
    sources = []
    for source in entry.sources:
        content = (folder / source.file).read_bytes()
        sources.append(Source(source.file, source.urls, "md5:" + hashlib.md5(content).hexdigest(), len(content)))
    return replace(entry, sources=tuple(sources), train_size=30, test_size=20)


def test_every_pixel_and_label_arrives(tmp_path):
    (train, test), entry = make_set(tmp_path)
    prepare(tmp_path, tmp_path / "out", 0, entry)
    prepared = PreparedDataset(tmp_path / "out")
    order = prepared.array("test_order")
    np.testing.assert_array_equal(prepared.images("train"), train[0])
    np.testing.assert_array_equal(prepared.labels("train"), train[1])
    np.testing.assert_array_equal(prepared.images("test"), test[0][order])
    np.testing.assert_array_equal(prepared.labels("test"), test[1][order])
    assert sorted(prepared.labels("test")[:10]) == list(range(10))
    assert prepared.mean == (0.4377, 0.4438, 0.4728)


@pytest.mark.parametrize("damage", [lambda content: content[:300], lambda content: b"<html>not here</html>" * 10])
def test_what_is_no_mat_file(tmp_path, damage):
    make_set(tmp_path)
    path = tmp_path / "test_32x32.mat"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"test_32x32.mat is damaged or not what it should be \(.*\): replace it"):
        prepare(tmp_path, tmp_path / "out", 0, described(tmp_path))


def test_a_missing_variable(tmp_path):
    make_set(tmp_path)
    savemat(tmp_path / "train_32x32.mat", {"X": np.zeros((32, 32, 3, 30), dtype=np.uint8)})
    with pytest.raises(InputError, match=r"train_32x32.mat is damaged or not what it should be \(KeyError: 'y'\)"):
        prepare(tmp_path, tmp_path / "out", 0, described(tmp_path))
