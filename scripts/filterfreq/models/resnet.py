"""Residual networks for 32 x 32 images.

Convolutions start from Kaiming-normal weights over their inputs (He et al., ICCV 2015: variance 2 / fan-in), batch
normalisations from scale 1 and shift 0, and linear layers from torch's default.
"""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional as F


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut (He et al., CVPR 2016, Figure 2).

    The shortcut is the identity where the shape stays, else a strided 1 x 1 convolution with batch normalisation
    (option B).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        hidden = F.relu(self.bn1(self.conv1(features)))
        return F.relu(self.bn2(self.conv2(hidden)) + self.shortcut(features))


class CIFARResNet(nn.Module):
    """The residual network for CIFAR (He et al., CVPR 2016, section 4.2), with option B shortcuts.

    Three stages of `blocks` blocks with `width`, 2 `width` and 4 `width` channels, the second and third at half the
    resolution of the one before, then global average pooling and a linear layer: 6 `blocks` + 2 layers in all.

    Args:
        num_classes: number of logits.
        blocks: blocks in a stage, at least 1; 3 for ResNet-20.
        width: channels of the first stage; 16 in the paper.
    """

    def __init__(self, num_classes: int, blocks: int, width: int = 16) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _stage(width, width, blocks, stride=1)
        self.layer2 = _stage(width, 2 * width, blocks, stride=2)
        self.layer3 = _stage(2 * width, 4 * width, blocks, stride=2)
        self.fc = nn.Linear(4 * width, num_classes)
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images [N, 3, H, W] to logits [N, num_classes]."""
        features = F.relu(self.bn1(self.conv1(images)))
        features = self.layer3(self.layer2(self.layer1(features)))
        return self.fc(features.mean(dim=(2, 3)))


class LowResResNet9(nn.Module):
    """The ResNet-9 for low resolution of Lukasik et al., TMLR 2023 (released code): 6,573,120 parameters at 10 classes.

    Eight convolutions 3 x 3 with batch normalisation and ReLU: 64 channels; 128, pooled; a residual pair of 128; 256,
    pooled; 512, pooled; a residual pair of 512; then 4 x 4 max pooling and a linear layer without bias. Images must be
    at least 32 and below 64 pixels a side.

    Args:
        num_classes: number of logits.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv1 = _convolution(3, 64)
        self.conv2 = _convolution(64, 128)
        self.residual1 = nn.Sequential(_convolution(128, 128), _convolution(128, 128))
        self.conv3 = _convolution(128, 256)
        self.conv4 = _convolution(256, 512)
        self.residual2 = nn.Sequential(_convolution(512, 512), _convolution(512, 512))
        self.fc = nn.Linear(512, num_classes, bias=False)
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images [N, 3, H, W] to logits [N, num_classes]."""
        features = F.max_pool2d(self.conv2(self.conv1(images)), 2)
        features = features + self.residual1(features)
        features = F.max_pool2d(self.conv3(features), 2)
        features = F.max_pool2d(self.conv4(features), 2)
        features = features + self.residual2(features)
        return self.fc(F.max_pool2d(features, 4).flatten(1))


def cifar_resnet(num_classes: int, depth: int, width: int = 16) -> CIFARResNet:
    """Build the CIFAR ResNet with `depth` = 6 D + 2 layers and `width` channels in its first stage."""
    return CIFARResNet(num_classes, (depth - 2) // 6, width)


def lowres_resnet9(num_classes: int) -> LowResResNet9:
    """Build the ResNet-9 for low resolution."""
    return LowResResNet9(num_classes)


def _stage(in_channels: int, out_channels: int, blocks: int, stride: int) -> nn.Sequential:
    rest = (BasicBlock(out_channels, out_channels) for _ in range(blocks - 1))
    return nn.Sequential(BasicBlock(in_channels, out_channels, stride), *rest)


def _convolution(in_channels: int, out_channels: int) -> nn.Sequential:
    layers = OrderedDict(
        conv=nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        bn=nn.BatchNorm2d(out_channels),
        relu=nn.ReLU(),
    )
    return nn.Sequential(layers)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
