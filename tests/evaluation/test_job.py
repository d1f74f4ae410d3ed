"""Which images an evaluation of some of them sees."""

import numpy as np
import pytest

from filterfreq.evaluation.job import chosen_images


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
