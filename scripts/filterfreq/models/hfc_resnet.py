"""The residual network without normalisation of Wang, Wu, Huang and Xing (CVPR 2020, released code)."""

import torch.nn.functional as F
from torch import Tensor, nn

from filterfreq.models.initial_weights import initialise_weights
from filterfreq.models.normalisation_slot import NormalisationSlot
from filterfreq.models.surgery.decomposition import SamePad2d


class HFCBlock(nn.Module):
    """ReLU and a 3 x 3 convolution, twice, beside the identity, which where the width doubles is pooled and padded.

    Args:
        in_channels: of the input.
        out_channels: as many, or twice as many at half the resolution.
        activated: whether the input has passed a ReLU already, so that the block begins without one.
    """

    def __init__(self, in_channels: int, out_channels: int, activated: bool = False) -> None:
        super().__init__()
        self.norm1 = nn.Identity() if activated else NormalisationSlot(in_channels)
        self.relu1 = nn.Identity() if activated else nn.ReLU()
        self.stride = 1 if in_channels == out_channels else 2
        # TensorFlow pads what is strided and of an even size on the right and at the bottom alone.
        strided = self.stride > 1
        self.pad1 = SamePad2d((3, 3), (self.stride, self.stride), (1, 1)) if strided else nn.Identity()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, self.stride, padding=0 if strided else 1, bias=False)
        self.norm2 = NormalisationSlot(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.missing = out_channels - in_channels

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride]."""
        hidden = self.conv1(self.pad1(self.relu1(self.norm1(features))))
        hidden = self.conv2(F.relu(self.norm2(hidden)))
        if self.stride > 1:
            pooled = F.avg_pool2d(features, 2, ceil_mode=True)
            features = F.pad(pooled, (0, 0, 0, 0, self.missing // 2, self.missing - self.missing // 2))
        return hidden + features


class HFCResNet(nn.Module):
    """A CIFAR ResNet of pre-activation blocks without normalisation: 461,882 parameters with 5 blocks and 10 classes.

    A convolution with 16 channels and ReLU; three stages of `blocks` blocks with 16, 32 and 64 channels, the second and
    third at half the resolution of the one before; ReLU, global average pooling and a linear layer, which has the one
    bias. Weights start from Xavier's distribution, as in the paper: from Kaiming's the features of a network that
    normalises nothing would grow with each block.

    Before each ReLU is a `NormalisationSlot`: there the released code has its batch normalisation, commented out.

    Args:
        num_classes: number of logits.
        blocks: blocks in a stage, at least 1; 5 in the released code.
        stem: side of the first convolution's kernel, odd; 3 in the released code.
    """

    def __init__(self, num_classes: int, blocks: int, stem: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, stem, padding=stem // 2, bias=False)
        self.norm1 = NormalisationSlot(16)
        widths = [16] * blocks + [32] * blocks + [64] * blocks
        pairs = zip([16, *widths], widths, strict=False)
        self.blocks = nn.Sequential(*(HFCBlock(*pair, activated=number == 0) for number, pair in enumerate(pairs)))
        self.norm2 = NormalisationSlot(64)
        self.fc = nn.Linear(64, num_classes)
        initialise_weights(self, "xavier")

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, 3, H, W] to logits [N, num_classes]."""
        features = self.blocks(F.relu(self.norm1(self.conv1(images))))
        return self.fc(F.relu(self.norm2(features)).mean(dim=(2, 3)))


def hfc_resnet(num_classes: int, depth: int, stem: int = 3) -> HFCResNet:
    """Build the network with `depth` = 6 D + 2 layers and a first kernel of `stem` x `stem`."""
    return HFCResNet(num_classes, (depth - 2) // 6, stem)
