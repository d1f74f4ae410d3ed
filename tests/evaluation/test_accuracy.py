import numpy as np
from evaluation.simple_models import ReadsPixels, images_of

from filterfreq.evaluation.accuracy import evaluate_before
from filterfreq.evaluation.suites.clean import evaluate_clean


def test_images_before_an_attack_are_measured_like_clean_ones_under_other_names():
    images, labels = images_of([0, 1, 2, 3]), np.array([0, 1, 2, 9])
    accuracy, calibration = evaluate_before(ReadsPixels(), images, labels, 3, "cpu")
    assert (accuracy["metric"], accuracy["parameter"]) == ("clean_accuracy", "split=test;images=4")
    assert (calibration["metric"], calibration["parameter"]) == ("clean_calibration_error", "split=test;images=4")
    for found, expected in zip(
        (accuracy, calibration), evaluate_clean(ReadsPixels(), images, labels, 3, "cpu"), strict=True
    ):
        assert [found[key] for key in ("value", "n")] == [expected[key] for key in ("value", "n")]
