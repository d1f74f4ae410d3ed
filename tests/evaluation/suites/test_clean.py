import math

import numpy as np
import pytest
import torch
from evaluation.simple_models import ReadsPixels, images_of
from torch import nn

from filterfreq.evaluation.suites.clean import evaluate_clean


def test_evaluate_clean_counts_correct_images():
    row, _ = evaluate_clean(ReadsPixels(), images_of([0, 1, 2, 3]), np.array([0, 1, 2, 9]), 3, "cpu")
    assert (row["metric"], row["parameter"], row["value"], row["n"]) == ("accuracy", "split=test", 0.75, 4)
    assert 0 < row["ci_low"] < 0.75 < row["ci_high"] < 1


def test_evaluate_clean_measures_calibration():
    """Every image has the logits of the squared distances 0, 1, 4 ... 81, so all are equally confident."""
    _, row = evaluate_clean(ReadsPixels(), images_of([0, 0, 0, 0]), np.array([0, 0, 0, 9]), 3, "cpu")
    confidence = 1 / np.exp(-(np.arange(10.0) ** 2)).sum()
    assert (row["metric"], row["parameter"], row["n"]) == ("expected_calibration_error", "split=test", 4)
    assert row["value"] == pytest.approx(0.75 - confidence, abs=1e-4)
    assert math.isnan(row["ci_low"])


def test_images_whose_confidence_is_no_number_have_no_calibration():
    class Broken(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.full((len(images), 10), torch.nan)

    accuracy, calibration = evaluate_clean(Broken(), images_of([0, 1]), np.array([0, 1]), 2, "cpu")
    assert accuracy["n"] == 2
    assert calibration["n"] == 0
    assert math.isnan(calibration["value"])
