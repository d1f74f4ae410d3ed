import math

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from filterfreq.evaluation.confidence import BINS, expected_calibration_error


@pytest.mark.parametrize("bins", [1, 10, BINS])
def test_it_is_the_weighted_gap_of_scikit_learns_reliability_curve(bins):
    rng = np.random.default_rng(0)
    confidences = rng.beta(4, 2, 5000).astype(np.float32)
    correct = rng.random(5000) < confidences**2
    accuracy, confidence = calibration_curve(correct, confidences, n_bins=bins)
    counts, _ = np.histogram(confidences, np.linspace(0, 1, bins + 1))
    expected = np.average(np.abs(accuracy - confidence), weights=counts[counts > 0])
    assert expected_calibration_error(confidences, correct, bins) == pytest.approx(expected, abs=1e-7)
    assert expected > 0.1


def test_one_bin_is_the_gap_between_confidence_and_accuracy():
    confidences = np.full(8, 0.9)
    correct = np.arange(8) < 6
    assert expected_calibration_error(confidences, correct) == pytest.approx(0.15)


def test_gaps_of_opposite_sign_cancel_within_a_bin_and_not_between_bins():
    correct = np.array([True, False])
    # 0.61 and 0.66 lie in the tenth of fifteen bins, 0.68 in the eleventh.
    assert expected_calibration_error(np.array([0.61, 0.66]), correct) == pytest.approx(abs(1 - 0.61 - 0.66) / 2)
    assert expected_calibration_error(np.array([0.61, 0.68]), correct) == pytest.approx((1 - 0.61 + 0.68) / 2)


def test_bins_are_closed_above():
    """With ten bins 0.5 shares the bin of 0.45, not that of 0.55."""
    correct = np.array([True, False])
    below, above = (expected_calibration_error(np.array([0.5, other]), correct, 10) for other in (0.45, 0.55))
    assert below == pytest.approx(abs(1 - 0.5 - 0.45) / 2)
    assert above == pytest.approx((0.5 + 0.55) / 2)


def test_the_ends_of_the_range_are_in_the_outer_bins():
    confidences = np.array([0.0, 1.0, np.nextafter(np.float32(1), np.float32(2))])
    assert expected_calibration_error(confidences, np.array([False, True, True])) == pytest.approx(0, abs=1e-6)


def test_of_no_images_it_is_unknown():
    assert math.isnan(expected_calibration_error(np.array([]), np.array([], dtype=bool)))
