"""Which images an evaluation of some of them sees."""

from types import SimpleNamespace

import numpy as np
import pytest

from filterfreq.data.labels import save_labels
from filterfreq.data.stored_indices import save_indices
from filterfreq.evaluation.job import SuiteJob, chosen_images


@pytest.mark.parametrize(("available", "wanted"), [(50_000, 2_500), (60_000, 2_500), (10, 3), (5, 4), (7, 1)])
def test_training_images_that_lie_class_by_class_are_seen_of_all_classes(available, wanted):
    rows = np.arange(available)[chosen_images("train", available, wanted)]
    assert len(rows) == wanted
    assert len(set(np.diff(rows))) <= 1
    # As far apart as that many can be.
    assert wanted == 1 or rows[1] - rows[0] == available // wanted
    labels = np.repeat(np.arange(10), 5_000)
    if available == len(labels):
        assert np.bincount(labels[rows]).tolist() == [250] * 10


def test_test_images_are_the_first_ones_and_all_are_all():
    assert np.arange(10)[chosen_images("test", 10, 3)].tolist() == [0, 1, 2]
    for split in ("test", "train"):
        for wanted in (None, 10, 11):
            assert np.arange(10)[chosen_images(split, 10, wanted)].tolist() == list(range(10))


@pytest.mark.parametrize(("settings", "shown"), [({}, [1, 4, 6, 7]), ({"images": 2}, [1, 6])])
def test_training_images_are_those_that_the_run_was_trained_on(tmp_path, settings, shown):
    labels = np.arange(10, 18)
    record = {"trained_on": save_indices(tmp_path, "trained_on", np.array([1, 4, 6, 7]))}
    dataset = SimpleNamespace(images=lambda split: np.arange(8), labels=lambda split: np.arange(8))
    inputs = {"weights": str(tmp_path / "model.safetensors")}
    given = dict.fromkeys(("classifier", "batch_size", "device", "output", "threads", "compute", "announce"))
    job = SuiteJob(
        **given, record=record, parameters={"settings": settings}, inputs=inputs, opened={"dataset": dataset}
    )
    assert job.images_of("train").tolist() == job.labels_of("train").tolist() == shown
    assert job.images_of("test").tolist() == list(range(settings.get("images", 8)))
    # With labels of their own too, which are stored of all images.
    record["labels"] = save_labels(tmp_path, labels)
    assert job.labels_of("train").tolist() == labels[shown].tolist()
