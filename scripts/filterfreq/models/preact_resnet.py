"""Pre-activation residual networks for 32 x 32 images, wide ones among them.

Convolutions start from Kaiming-normal weights over their inputs (He et al., ICCV 2015: variance 2 / fan-in), batch
normalisations from scale 1 and shift 0, and linear layers from torch's default.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from filterfreq.models.initialisation import initialise


class PreActBlock(nn.Module):
    """Batch normalisation, ReLU and a 3 x 3 convolution, twice, and a shortcut (He et al., ECCV 2016, Figure 1b).

    The shortcut is the identity where the shape stays. Where it changes, the first activation is shared by the
    convolution and the shortcut, which is a strided 1 x 1 convolution without batch normalisation.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.shortcut = None
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        activated = F.relu(self.bn1(features))
        residual = self.conv2(F.relu(self.bn2(self.conv1(activated))))
        return residual + (features if self.shortcut is None else self.shortcut(activated))


class PreActResNet(nn.Module):
    """A pre-activation residual network (He et al., ECCV 2016).

    A 3 x 3 convolution, one stage of `blocks` blocks for each of the `widths`, every stage but the first at half the
    resolution of the one before, then batch normalisation, ReLU, global average pooling and a linear layer.

    Args:
        num_classes: number of logits.
        blocks: blocks in a stage, at least 1.
        stem: channels of the first convolution.
        widths: channels of each stage.
    """

    def __init__(self, num_classes: int, blocks: int, stem: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 3, padding=1, bias=False)
        stages = []
        for number, (before, width) in enumerate(zip((stem, *widths), widths, strict=False)):
            first = PreActBlock(before, width, stride=1 if number == 0 else 2)
            stages.append(nn.Sequential(first, *(PreActBlock(width, width) for _ in range(blocks - 1))))
        self.stages = nn.Sequential(*stages)
        self.bn = nn.BatchNorm2d(widths[-1])
        self.fc = nn.Linear(widths[-1], num_classes)
        self.apply(initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images [N, 3, H, W] to logits [N, num_classes]."""
        features = F.relu(self.bn(self.stages(self.conv1(images))))
        return self.fc(features.mean(dim=(2, 3)))


def preact_resnet_18(num_classes: int) -> PreActResNet:
    """Build the PreActResNet-18 for 32 x 32 images: stages of two blocks with 64, 128, 256 and 512 channels."""
    return PreActResNet(num_classes, blocks=2, stem=64, widths=(64, 128, 256, 512))


def wide_resnet(num_classes: int, depth: int, widening: int) -> PreActResNet:
    """Build the WideResNet with `depth` = 6 D + 4 layers (Zagoruyko and Komodakis, BMVC 2016, Table 1), no dropout.

    Stages of D blocks with 16, 32 and 64 times `widening` channels. The depth counts the convolutions: the first, two
    in each block and three in shortcuts.
    """
    return PreActResNet(num_classes, (depth - 4) // 6, stem=16, widths=[16 * widening, 32 * widening, 64 * widening])
