import pytest
import torch
from torch import nn

from filterfreq.models.classifier import Classifier
from filterfreq.runtime.errors import InputError


def test_images_are_normalised_inside():
    classifier = Classifier(nn.Identity(), mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 2.0))
    images = torch.tensor([1.0, 0.5, 1.0]).view(1, 3, 1, 1).expand(2, 3, 4, 4)

    expected = torch.tensor([1.0, 1.0, 0.5]).view(1, 3, 1, 1).expand(2, 3, 4, 4)
    assert torch.equal(classifier(images), expected)


def test_logits_come_from_the_backbone():
    backbone = nn.Sequential(nn.Flatten(), nn.Linear(12, 5))
    classifier = Classifier(backbone, mean=(0, 0, 0), std=(1, 1, 1))
    images = torch.rand(2, 3, 2, 2)

    assert classifier.backbone is backbone
    assert torch.equal(classifier(images), backbone(images))


def test_the_state_holds_the_backbone_alone():
    assert list(Classifier(nn.Linear(1, 1), (0.1,), (1.0,)).state_dict()) == ["backbone.weight", "backbone.bias"]


@pytest.mark.parametrize(
    ("mean", "std"), [((0.5, 0.5), (1.0,)), ((0.5,), (0.0,)), ((0.5,), (-1.0,)), ((0.5,), (float("nan"),))]
)
def test_a_wrong_normalisation_is_refused(mean, std):
    with pytest.raises(InputError, match="one mean and one std above 0"):
        Classifier(nn.Identity(), mean, std)
