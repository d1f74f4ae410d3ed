import pytest
import torch

from filterfreq.runtime.errors import InputError
from filterfreq.training.intervention import interventions_of
from filterfreq.training.objective import Objective
from filterfreq.training.registry import check_interventions

LOGITS = torch.tensor([[[1.0, 0, 0], [0, 2, 1]]])


def objective() -> Objective:
    return Objective(interventions_of({"loss": "squared_error"}).values())


def test_squared_error_is_the_mean_over_images_and_classes():
    # (0 + 0 + 0) + (1 + 4 + 1) of labels 0 and 0.
    assert objective().loss(LOGITS, torch.tensor([0, 0])).item() == pytest.approx(6 / 6)
    assert objective().loss(LOGITS, torch.tensor([0, 1])).item() == pytest.approx(2 / 6)


def test_mixed_labels_are_distributions():
    mixed = torch.tensor([[0.5, 0.5, 0], [0, 1, 0]])
    assert objective().loss(LOGITS, mixed).item() == pytest.approx((0.5 + 2) / 6)


def test_smoothed_labels_of_cross_entropy_do_not_go_with_it():
    with pytest.raises(InputError, match="label_smoothing and loss cannot be combined"):
        check_interventions("variants.v", {"loss": "squared_error", "label_smoothing": 0.1})
