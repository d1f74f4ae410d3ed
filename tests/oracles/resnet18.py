"""The ResNet-18 for images of 32 pixels whose parameters Liu et al. (NeurIPS 2021) count."""

from collections import OrderedDict

from torch import nn

from filterfreq.models.resnet import BasicBlock


def resnet18(num_classes: int) -> nn.Sequential:
    """Build it: a 3 x 3 stem, four stages of two blocks with 64 to 512 channels, average pooling, a linear layer."""
    layers = [("conv1", nn.Conv2d(3, 64, 3, padding=1, bias=False)), ("bn1", nn.BatchNorm2d(64)), ("relu", nn.ReLU())]
    before = 64
    for stage, channels in enumerate((64, 128, 256, 512)):
        for block in range(2):
            layers.append((f"block{stage}{block}", BasicBlock(before, channels, 1 + (stage > 0 and block == 0))))
            before = channels
    head = [("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()), ("fc", nn.Linear(512, num_classes))]
    return nn.Sequential(OrderedDict([*layers, *head]))
