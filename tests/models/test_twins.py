import pytest
import torch
from torch import nn

from filterfreq.models import registry, twins
from filterfreq.models.registry import build


class Scaled(nn.Linear):
    """A linear layer whose output is multiplied, or that refuses images, as networks of another size do."""

    def __init__(self, scale, classes=5):
        super().__init__(3 * 224 * 224, classes)
        self.scale = scale

    def forward(self, images):
        if self.scale is None:
            raise AssertionError("Input image height (224) doesn't match model (384)")
        return self.scale * super().forward(images.flatten(1))


def test_a_twin_takes_the_same_images_and_tensors_and_computes_something_else(monkeypatch):
    others = {
        "equal": lambda: Scaled(1),
        "other_size": lambda: Scaled(None),
        "other_shapes": lambda: Scaled(2, classes=6),
        "unknown": lambda: registry.build("resnet_21", 5),
        "rounded": lambda: Scaled(1 + 1e-5),
        "twin": lambda: Scaled(1.01),
    }
    real = registry.build
    monkeypatch.setattr(
        registry, "build", lambda name, classes: others[name]() if name in others else real(name, classes)
    )
    monkeypatch.setattr(twins, "_similar_architectures", lambda _architecture: others)
    model = Scaled(1)
    assert twins.twins(model, "model", 5) == ["twin"]
    assert twins.twins(Scaled(None), "model", 5) == []
    # Also where all logits are small.
    for parameter in model.parameters():
        parameter.data *= 1e-6
    assert twins.twins(model, "model", 5) == ["twin"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "other", "twin"),
    [
        ("timm_swinv2_cr_tiny_224", "timm_swinv2_cr_tiny_384", False),  # the same tensors, for other images
        ("torchvision_resnet18", "timm_resnet18", False),
        ("torchvision_resnet50", "timm_resnetblur50", True),
        ("lowres_efficientnet_b0", "timm_tf_efficientnet_b0", True),
        ("timm_tf_efficientnet_b0", "lowres_efficientnet_b0", True),
    ],
)
def test_the_twins_of_libraries_models(monkeypatch, architecture, other, twin):
    assert other in twins._similar_architectures(architecture)
    monkeypatch.setattr(twins, "_similar_architectures", lambda _architecture: [other])
    torch.manual_seed(0)
    assert twins.twins(build(architecture, 10).eval(), architecture, 10) == [other] * twin


def test_our_own_architectures_have_none():
    assert twins._similar_architectures("resnet_20") == []
