import pytest
import torch
from torch import nn

from filterfreq.models.classifier import Classifier


@pytest.fixture
def classifier() -> Classifier:
    """Convolutions with kernels of several sides, and one of 1 x 1."""
    torch.manual_seed(0)
    backbone = nn.Sequential(
        nn.Conv2d(3, 4, 5, bias=True), nn.Conv2d(4, 6, 3, groups=2), nn.Conv2d(6, 6, 1), nn.Conv2d(6, 2, (1, 4))
    )
    return Classifier(backbone, [0.5] * 3, [0.25] * 3).eval()
