import json
from dataclasses import replace

import numpy as np
import pytest
from records import edit_json

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.registry import get_dataset
from filterfreq.data.saving import balanced_order, channel_statistics, save_dataset
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import sha256

DATASET = get_dataset("texdigits")


def make_arrays():
    rng = np.random.default_rng(0)
    return {
        "train_images": rng.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8),
        "train_labels": np.arange(20) % 10,
        "test_images": rng.integers(0, 256, (10, 8, 8, 3), dtype=np.uint8),
        "test_labels": np.arange(10),
    }


@pytest.fixture
def folder(tmp_path):
    save_dataset(tmp_path, DATASET, make_arrays(), seed=3, sources={"raw.gz": "sha256:00"})
    return tmp_path


def edit_record(folder, **changes):
    edit_json(folder / "dataset.json", lambda record: record["arrays"]["train_labels"].update(changes))


def test_round_trip(folder):
    dataset = PreparedDataset(folder)
    arrays = make_arrays()
    for name, array in arrays.items():
        np.testing.assert_array_equal(dataset.array(name), array)
    np.testing.assert_array_equal(dataset.images("test"), arrays["test_images"])
    np.testing.assert_array_equal(dataset.labels("test"), arrays["test_labels"])
    assert isinstance(dataset.images("train"), np.memmap)
    assert not dataset.images("train").flags.writeable
    assert (dataset.name, dataset.classes, dataset.num_classes) == ("texdigits", DATASET.classes, 10)
    assert dataset.record["seed"] == 3
    assert dataset.record["sources"] == {"raw.gz": "sha256:00"}
    assert dataset.record["arrays"]["test_images"] == {
        "file": "arrays/test_images.npy",
        "sha256": sha256(folder / "arrays" / "test_images.npy"),
        "shape": [10, 8, 8, 3],
        "dtype": "uint8",
    }
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == sorted(
        [f"arrays/{name}.npy" for name in arrays] + ["dataset.json"]
    )


def test_mean_and_std_are_measured_registered_or_given(tmp_path):
    arrays = make_arrays()
    save_dataset(tmp_path, DATASET, arrays, seed=0, sources={})
    images = arrays["train_images"].astype(np.float64) / 255
    np.testing.assert_allclose(PreparedDataset(tmp_path).mean, images.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(PreparedDataset(tmp_path).std, images.std(axis=(0, 1, 2)), rtol=1e-10)

    save_dataset(tmp_path, replace(DATASET, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6)), arrays, seed=0, sources={})
    assert PreparedDataset(tmp_path).mean == (0.1, 0.2, 0.3)
    save_dataset(tmp_path, DATASET, arrays, seed=0, sources={}, mean=[0.5] * 3, std=[0.25] * 3)
    assert PreparedDataset(tmp_path).std == (0.25, 0.25, 0.25)


def test_channel_statistics_of_black_and_white():
    images = np.zeros((2, 4, 4, 3), dtype=np.uint8)
    images[0, ..., 1] = 255
    images[..., 2] = 51
    mean, std = channel_statistics(images)
    np.testing.assert_allclose(mean, [0, 0.5, 0.2], atol=1e-12)
    np.testing.assert_allclose(std, [0, 0.5, 0], atol=1e-7)


@pytest.mark.parametrize("shares", [[100] * 10, [300, 30, 3]])
def test_balanced_order_is_balanced_in_every_prefix(shares):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(shares)), shares))
    order = balanced_order(labels, np.random.default_rng(1))
    assert sorted(order) == list(range(len(labels)))
    counts = np.cumsum(labels[order][:, None] == np.arange(len(shares)), axis=0)
    expected = np.arange(1, len(labels) + 1)[:, None] * np.array(shares) / len(labels)
    # One image by the class's own rounding, and as much again because the others' rounding moves the prefix.
    assert np.abs(counts - expected).max() <= 2
    assert (order != balanced_order(labels, np.random.default_rng(2))).any()


@pytest.mark.parametrize("keep", [0, 50, 100, -1])
def test_truncated_array(folder, keep):
    path = folder / "arrays" / "train_images.npy"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"train_images.npy is damaged or not what it should be \(.*\): prepare"):
        PreparedDataset(folder)


def test_missing_array(folder):
    (folder / "arrays" / "test_labels.npy").unlink()
    with pytest.raises(InputError, match=r"test_labels.npy is missing: prepare data set texdigits again"):
        PreparedDataset(folder)


def test_one_flipped_bit(folder):
    path = folder / "arrays" / "train_images.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    dataset = PreparedDataset(folder)
    with pytest.raises(InputError, match=r"train_images.npy does not have its recorded SHA-256"):
        dataset.images("train")
    assert dataset.array("train_images", verify=False).shape == (20, 8, 8, 3)


@pytest.mark.parametrize("array", [np.zeros(19, dtype=np.int64), np.zeros(20, dtype=np.int32)])
def test_other_shape_or_dtype_than_recorded(folder, array):
    np.save(folder / "arrays" / "train_labels.npy", array)
    with pytest.raises(
        InputError, match=r"train_labels.npy holds int\d\d \[\d\d\], but dataset.json says int64 \[20\]"
    ):
        PreparedDataset(folder)


def test_recorded_shape_is_no_shape_of_labels(folder):
    np.save(folder / "arrays" / "train_labels.npy", np.zeros((20, 1), dtype=np.int64))
    edit_record(folder, shape=[20, 1])
    with pytest.raises(InputError, match=r"train_labels.npy holds int64 \[20, 1\] where int64 of N is needed"):
        PreparedDataset(folder)


@pytest.mark.parametrize("label", [-1, 10])
def test_labels_out_of_range(folder, label):
    labels = np.arange(20) % 10
    labels[7] = label
    np.save(folder / "arrays" / "train_labels.npy", labels)
    edit_record(folder, sha256=sha256(folder / "arrays" / "train_labels.npy"))
    with pytest.raises(InputError, match=r"train_labels.npy holds labels from .* but there are 10 classes"):
        PreparedDataset(folder).labels("train")


def test_unknown_array(folder):
    with pytest.raises(InputError, match=r"no array 'cue_conflict_images': it has train_images, train_labels"):
        PreparedDataset(folder).images("cue_conflict")


def test_damaged_record(folder, tmp_path):
    with pytest.raises(InputError, match=r"dataset.json is missing"):
        PreparedDataset(tmp_path / "nowhere")
    (folder / "dataset.json").write_text('{"name": "texdigits", "arrays": {}}')
    with pytest.raises(InputError, match=r"dataset.json is damaged .*'(classes|train_images)' is missing.*prepare the"):
        PreparedDataset(folder)
    (folder / "dataset.json").write_text('{"name": "texd')
    with pytest.raises(InputError, match=r"dataset.json is damaged"):
        PreparedDataset(folder)


def test_damaged_record_of_an_array(folder):
    edit_json(folder / "dataset.json", lambda record: record["arrays"]["test_labels"].pop("sha256"))
    with pytest.raises(InputError, match=r"dataset.json is damaged .*test_labels: 'sha256' is missing\): prepare"):
        PreparedDataset(folder)


def test_one_digit_of_the_mean(folder):
    """With another mean the accuracy of a model would be another, too."""
    path = folder / "dataset.json"
    before = path.read_text()
    mean = str(json.loads(before)["mean"][0])
    path.write_text(before.replace(mean, mean[:-1] + ("1" if mean[-1] == "0" else "0")))
    with pytest.raises(
        InputError, match=r"dataset\.json was changed since it was written.*: prepare .*delete the entry"
    ):
        PreparedDataset(folder)
    path.write_text(before.replace("\n", "\r\n"))
    PreparedDataset(folder)
    edit_json(path, lambda record: record.update(mean=[0.1, 0.2, 0.3]))
    assert PreparedDataset(folder).mean == (0.1, 0.2, 0.3)


def test_arrays_of_one_split_have_one_length(folder):
    np.save(folder / "arrays" / "train_labels.npy", np.arange(10))
    edit_record(folder, shape=[10], sha256=sha256(folder / "arrays" / "train_labels.npy"))
    with pytest.raises(InputError, match=r"train_images and train_labels in .* differ in length: prepare data set"):
        PreparedDataset(folder)


def test_images_of_one_value_are_refused(tmp_path):
    arrays = make_arrays()
    arrays["train_images"][..., 1] = 7
    with pytest.raises(InputError, match=r"one value in all pixels of a channel .*: take other images, or give mean"):
        save_dataset(tmp_path / "new", DATASET, arrays, seed=0, sources={})
    assert not (tmp_path / "new").exists()
    save_dataset(tmp_path / "new", DATASET, arrays, seed=0, sources={}, mean=[0.5] * 3, std=[0.5] * 3)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train_images", np.zeros((20, 3, 8, 8), dtype=np.uint8), "uint8 of N x H x W x 3 is needed"),
        ("train_images", np.zeros((20, 8, 8, 3), dtype=np.float32), "uint8 of N x H x W x 3 is needed"),
        ("test_labels", np.full(10, 10), "labels from 10 to 10"),
        ("test_labels", np.zeros(0, dtype=np.int64), "int64 of N is needed"),
    ],
)
def test_nothing_is_written_from_bad_arrays(tmp_path, name, array, message):
    with pytest.raises(InputError, match=message):
        save_dataset(tmp_path / "new", DATASET, make_arrays() | {name: array}, seed=0, sources={})
    assert not (tmp_path / "new").exists()


def test_failure_while_writing_leaves_everything_as_it_was(folder, monkeypatch):
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    save = np.save

    def fail_at_the_last(path, array, **options):
        if "test_labels" in path.name:
            raise OSError(28, "No space left on device")
        save(path, array, **options)

    monkeypatch.setattr(np, "save", fail_at_the_last)
    arrays = make_arrays()
    arrays["train_images"][0] = 0
    with pytest.raises(InputError, match="no space left"):
        save_dataset(folder, DATASET, arrays, seed=4, sources={})
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
