import numpy as np
import pytest
import torch
from evaluation.simple_models import ReadsPixels, images_of
from torch import nn

from filterfreq.evaluation.suites.clean import evaluate_clean
from filterfreq.evaluation.suites.top_5 import evaluate_top_5
from filterfreq.runtime.errors import InputError


class Answers(nn.Module):
    """Answers with the same logits to every image."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = torch.tensor(logits)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(images), -1)


def test_the_five_largest_logits_count_each_in_its_own_image():
    model, labels = Answers(0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.0), np.array([1, 3, 5, 4, 2, 0, 6, 0])
    (row,) = evaluate_top_5(model, images_of([0] * 8), labels, 3, "cpu")
    assert (row["metric"], row["parameter"], row["value"], row["n"]) == ("top5_accuracy", "split=test", 5 / 8, 8)
    assert 0 < row["ci_low"] < 5 / 8 < row["ci_high"] < 1


def test_it_reads_the_image():
    """The logits fall with the distance from the class that an image shows, so that classes 0 to 4 are first of 0."""
    (row,) = evaluate_top_5(ReadsPixels(), images_of([0, 0, 9, 9]), np.array([4, 5, 5, 4]), 3, "cpu")
    assert row["value"] == 0.5


@pytest.mark.parametrize("logit", [0.0, float("nan")])
def test_it_is_never_below_the_accuracy_where_logits_are_equal_or_no_numbers(logit):
    model, images, labels = Answers(*[logit] * 8), images_of([0] * 8), np.arange(8)
    (row,) = evaluate_top_5(model, images, labels, 8, "cpu")
    accuracy, _ = evaluate_clean(model, images, labels, 8, "cpu")
    assert (accuracy["value"], row["value"]) == (1 / 8, 5 / 8)


def test_few_classes_are_refused():
    with pytest.raises(InputError, match="with 5 classes the top-5 accuracy is always 1: take top_5 out of the suites"):
        evaluate_top_5(Answers(*range(5)), images_of([0]), np.array([0]), 8, "cpu")
