import numpy as np
import pytest

from filterfreq.data.labels import LABELS_FILE, load_labels, save_labels
from filterfreq.runtime.errors import InputError

OWN = np.array([3, 1, 2, 0])


@pytest.mark.parametrize(("largest", "size"), [(3, 1), (255, 1), (256, 2), (70_000, 4)])
def test_stored_labels_come_back_from_a_small_file(tmp_path, largest, size):
    labels = np.array([0, 1, largest, 2])
    record = {"labels": save_labels(tmp_path / "run", labels)}
    found = load_labels(tmp_path / "run", record, OWN)
    assert found.dtype == np.int64
    assert np.array_equal(found, labels)
    assert (tmp_path / "run" / LABELS_FILE).stat().st_size == 128 + 4 * size
    assert save_labels(tmp_path / "again", labels) == record["labels"]


def test_a_run_without_stored_labels_has_those_of_its_data_set(tmp_path):
    assert load_labels(tmp_path, {}, OWN) is OWN


def test_labels_that_are_missing_changed_or_of_other_images_are_refused(tmp_path):
    record = {"labels": save_labels(tmp_path, OWN[::-1])}
    with pytest.raises(InputError, match=r"has labels of 4 images, and the data set 5 to train on: put it back, or"):
        load_labels(tmp_path, record, np.arange(5))
    path = tmp_path / LABELS_FILE
    np.save(path, OWN.astype(np.uint8))
    with pytest.raises(InputError, match=r"train_labels\.npy is damaged .*its SHA-256 is not the one in run\.json"):
        load_labels(tmp_path, record, OWN)
    path.unlink()
    with pytest.raises(InputError, match=r"train_labels\.npy is missing"):
        load_labels(tmp_path, record, OWN)
    record["labels"]["file"] = f"../shuffled/{LABELS_FILE}"
    with pytest.raises(InputError, match=rf"^{tmp_path.parent}/shuffled/train_labels\.npy is missing"):
        load_labels(tmp_path, record, OWN)
