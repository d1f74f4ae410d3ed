import re
from copy import deepcopy

import pytest
import torch
from torch import nn

from filterfreq.models.classifier import Classifier
from filterfreq.models.image_size import check_image_size
from filterfreq.models.registry import build
from filterfreq.runtime.errors import InputError

HALF = (0.5, 0.5, 0.5)


class Keeping(nn.Module):
    """Keeps what it computes for the first size that it sees, as attention with relative positions does."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.kept = None

    def forward(self, images):
        self.kept = images.sum((2, 3)) if self.kept is None else self.kept
        if images.shape[2] > 32:
            raise AssertionError
        return self.scale * self.kept


@pytest.mark.parametrize(
    ("model", "size", "reason"),
    [
        ("timm_test_vit", 32, "Input height (32) doesn't match model (160)."),
        ("torchvision_alexnet", 32, "Output size is too small"),
        ("lowres_resnet9", 64, "shapes cannot be multiplied"),
        (Keeping(), 64, "(AssertionError)"),
    ],
    ids=str,
)
def test_a_size_that_a_network_does_not_take_is_refused(model, size, reason):
    backbone = build(model, 4) if isinstance(model, str) else model
    sentence = f"it does not take the images of tiny, {size} x {size} pixels"
    with pytest.raises(InputError, match=f"{sentence}.*{re.escape(reason)}.*list another model, or a data set of its"):
        check_image_size("it", Classifier(backbone, HALF, HALF), size, "tiny")


def test_a_size_that_it_takes_leaves_it_as_it_was():
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), Keeping())
    classifier = Classifier(backbone, HALF, HALF).train()
    before = deepcopy(classifier.state_dict())
    drawn = torch.get_rng_state()
    check_image_size("it", classifier, 32, "tiny")
    torch.testing.assert_close(classifier.state_dict(), before, rtol=0, atol=0)
    assert all(module.training for module in classifier.modules())
    assert backbone[3].kept is None
    assert not any(module._forward_pre_hooks for module in classifier.modules())
    assert torch.equal(torch.get_rng_state(), drawn)


@pytest.mark.parametrize(
    ("model", "size", "values"),
    [
        ("resnet_8_4", 32, 64),
        ("resnet_8_4", 5, 4),
        ("resnet_8_4", 4, 1),
        ("torchvision_resnet18", 64, 4),
        ("torchvision_resnet18", 32, 1),
        ("torchvision_squeezenet1_1", 64, 0),
        (nn.Sequential(nn.Flatten(), nn.Linear(192, 2), nn.BatchNorm1d(2)), 8, 1),
    ],
    ids=str,
)
def test_the_values_of_a_channel_in_one_image(model, size, values):
    """One value is what torch refuses to normalise."""
    backbone = build(model, 2) if isinstance(model, str) else model
    classifier = Classifier(backbone, HALF, HALF)
    assert check_image_size("it", classifier, size, "tiny") == values
    image = torch.rand(1, 3, size, size)
    if values == 1:
        with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
            classifier.train()(image)
    else:
        classifier.train()(image)
