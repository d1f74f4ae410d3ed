"""Residual networks for 32 x 32 images.

Convolutions start from Kaiming-normal weights over their inputs (He et al., ICCV 2015: variance 2 / fan-in), batch
normalisations from scale 1 and shift 0, and linear layers from torch's default.
"""

from collections import OrderedDict
from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from filterfreq.models.initialisation import initialise


class ZeroPaddedShortcut(nn.Module):
    """The shortcut without parameters (option A, He et al., CVPR 2016, section 3.3), as in published CIFAR models.

    Every `stride`-th row and column of the input, with channels of zeros around its own. The paper does not say where
    the zeros lie; they are on both sides here, as in the models published in akamaster/pytorch_resnet_cifar10.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        missing = out_channels - in_channels
        self.padding = (0, 0, 0, 0, missing // 2, missing - missing // 2)
        self.stride = stride

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        return F.pad(features[:, :, :: self.stride, :: self.stride], self.padding)


def _plain_convolution(in_channels: int, out_channels: int, stride: int = 1) -> nn.Module:
    return nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)


def _depthwise_convolution(in_channels: int, out_channels: int, stride: int = 1) -> nn.Module:
    layers = OrderedDict(
        spatial=nn.Conv2d(in_channels, in_channels, 3, stride, padding=1, groups=in_channels, bias=False),
        bn=nn.BatchNorm2d(in_channels),
        pointwise=nn.Conv2d(in_channels, out_channels, 1, bias=False),
    )
    return nn.Sequential(layers)


def _separable_convolution(in_channels: int, out_channels: int, stride: int = 1) -> nn.Module:
    layers = OrderedDict(
        horizontal=nn.Conv2d(in_channels, out_channels, (1, 3), (1, stride), padding=(0, 1), bias=False),
        vertical=nn.Conv2d(out_channels, out_channels, (3, 1), (stride, 1), padding=(1, 0), bias=False),
    )
    return nn.Sequential(layers)


def _projection(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels))


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut (He et al., CVPR 2016, Figure 2).

    Args:
        in_channels, out_channels: channels of the input and of the output.
        stride: of the first convolution and of the shortcut.
        convolution: builds a convolution from its input and output channels and its stride.
        shortcut: builds from the same three the shortcut where the shape changes; elsewhere it is the identity.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        convolution: Callable[..., nn.Module] = _plain_convolution,
        shortcut: Callable[[int, int, int], nn.Module] = _projection,
    ) -> None:
        super().__init__()
        self.conv1 = convolution(in_channels, out_channels, stride)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = convolution(out_channels, out_channels)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = shortcut(in_channels, out_channels, stride)

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        hidden = F.relu(self.bn1(self.conv1(features)))
        return F.relu(self.bn2(self.conv2(hidden)) + self.shortcut(features))


class CIFARResNet(nn.Module):
    """The residual network for CIFAR (He et al., CVPR 2016, section 4.2).

    Three stages of `blocks` blocks with `width`, 2 `width` and 4 `width` channels, the second and third at half the
    resolution of the one before, then global average pooling and a linear layer: 6 `blocks` + 2 layers in all.

    Args:
        num_classes: number of logits.
        blocks: blocks in a stage, at least 1; 3 for ResNet-20.
        width: channels of the first stage; 16 in the paper.
        convolution: builds the first convolution and those of the blocks, see `BasicBlock`; a 3 x 3 one unless given.
        shortcut: builds the shortcuts where the shape changes, see `BasicBlock`; a strided 1 x 1 convolution with batch
            normalisation (option B) unless given.
        stages: how many, each but the first with twice the channels and half the resolution of the one before.
    """

    def __init__(
        self,
        num_classes: int,
        blocks: int,
        width: int = 16,
        convolution: Callable[..., nn.Module] = _plain_convolution,
        shortcut: Callable[[int, int, int], nn.Module] = _projection,
        stages: int = 3,
    ) -> None:
        super().__init__()

        def stage(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
            first = BasicBlock(in_channels, out_channels, stride, convolution, shortcut)
            rest = (BasicBlock(out_channels, out_channels, 1, convolution, shortcut) for _ in range(blocks - 1))
            return nn.Sequential(first, *rest)

        self.conv1 = convolution(3, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.stages = [f"layer{number}" for number in range(1, stages + 1)]
        channels = width
        self.layer1 = stage(width, width, stride=1)
        for name in self.stages[1:]:
            self.add_module(name, stage(channels, 2 * channels, stride=2))
            channels *= 2
        self.fc = nn.Linear(channels, num_classes)
        self.apply(initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images [N, 3, H, W] to logits [N, num_classes]."""
        features = F.relu(self.bn1(self.conv1(images)))
        for name in self.stages:
            features = self.get_submodule(name)(features)
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
        self.apply(initialise)

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
    return CIFARResNet(num_classes, _blocks(depth), width)


def resnet_18(num_classes: int) -> CIFARResNet:
    """Build the ResNet-18 for 32 x 32 images: four stages of two blocks with 64, 128, 256 and 512 channels.

    The network of He et al. (CVPR 2016, Table 1) for ImageNet, its first layers replaced by a 3 x 3 convolution of
    stride 1, as much of the literature on CIFAR takes it: 11,173,962 parameters at 10 classes.
    """
    return CIFARResNet(num_classes, blocks=2, width=64, stages=4)


def cifar_resnet_option_a(num_classes: int, depth: int, width: int = 16) -> CIFARResNet:
    """Build the CIFAR ResNet with shortcuts without parameters, as the paper's own CIFAR models have them."""
    return CIFARResNet(num_classes, _blocks(depth), width, shortcut=ZeroPaddedShortcut)


def cifar_resnet_dw(num_classes: int, depth: int, width: int = 16) -> CIFARResNet:
    """Build the CIFAR ResNet with a depthwise 3 x 3, batch normalisation and a 1 x 1 for each 3 x 3 convolution.

    As in the code that Lukasik et al. (TMLR 2023) released: the first convolution of the network too, and the depthwise
    ones carry the stride. Decomposed, the depthwise convolutions become DCT layers and the 1 x 1 ones stay.
    """
    return CIFARResNet(num_classes, _blocks(depth), width, _depthwise_convolution)


def cifar_resnet_sp(num_classes: int, depth: int, width: int = 16) -> CIFARResNet:
    """Build the CIFAR ResNet with a 1 x 3 and then a 3 x 1 convolution for each 3 x 3 one.

    As in the code that Lukasik et al. (TMLR 2023) released: the first convolution of the network too; nothing lies
    between the two, the first one changes the channels, and each carries the stride of its own axis. No kernel has two
    sides above 1, so there is nothing to decompose.
    """
    return CIFARResNet(num_classes, _blocks(depth), width, _separable_convolution)


def lowres_resnet9(num_classes: int) -> LowResResNet9:
    """Build the ResNet-9 for low resolution."""
    return LowResResNet9(num_classes)


def _blocks(depth: int) -> int:
    """Return the number of blocks in a stage."""
    return (depth - 2) // 6


def _convolution(in_channels: int, out_channels: int) -> nn.Sequential:
    layers = OrderedDict(
        conv=nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        bn=nn.BatchNorm2d(out_channels),
        relu=nn.ReLU(),
    )
    return nn.Sequential(layers)
