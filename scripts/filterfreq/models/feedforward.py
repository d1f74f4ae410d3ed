"""LeNet, AlexNet and VGG for images of 28 and 32 pixels: convolutions one after the other, without normalisation.

Convolutions start from Kaiming-normal weights over their inputs (He et al., ICCV 2015: variance 2 / fan-in), and linear
layers and biases from torch's default. None has dropout: the key `dropout` of a variant adds it.
"""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from filterfreq.models.initialisation import initialise

VGG_LAYERS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Convolutions between two poolings, by the number of layers that the network is named by."""

_LENET_SIDE = 32


class LeNet(nn.Module):
    """LeNet-5 (LeCun, Bottou, Bengio, Haffner, Proceedings of the IEEE 1998), with ReLU and max pooling as today.

    Convolutions 5 x 5 without padding with 6 and 16 channels, each with ReLU and 2 x 2 max pooling, then linear layers
    of 120, 84 and `num_classes` outputs: with three input channels and 10 classes 62,006 parameters. Smaller images
    than 32 pixels get a border of zeros, as MNIST's had in the paper; larger ones do not fit.

    Args:
        num_classes: number of logits.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)
        self.apply(initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, 3, H, W], at most 32 pixels a side, to logits [N, num_classes]."""
        border = []
        for side in (images.shape[3], images.shape[2]):  # F.pad takes the last axis first
            missing = max(_LENET_SIDE - side, 0)
            border += [missing // 2, missing - missing // 2]
        features = F.max_pool2d(F.relu(self.conv1(F.pad(images, border))), 2)
        features = F.max_pool2d(F.relu(self.conv2(features)), 2)
        hidden = F.relu(self.fc2(F.relu(self.fc1(features.flatten(1)))))
        return self.fc3(hidden)


class AlexNet(nn.Module):
    """The small AlexNet of Zhang, Bengio, Hardt, Recht and Vinyals (ICLR 2017), after Krizhevsky et al. (NeurIPS 2012).

    As in appendix A of their Understanding Deep Learning Requires Rethinking Generalization: twice a convolution 5 x 5
    with ReLU, 3 x 3 max pooling and local response normalisation, then linear layers of 384, 192 and `num_classes`
    outputs. With 64 channels it has the 1,387,786 parameters of their Table 1, of images cropped to 28 pixels. The
    first linear layer takes 7 x 7 features, to which those of other sizes are averaged (8 x 8 of 32 pixels), as in
    torchvision's AlexNet. The numbers of the response normalisation, which they do not say, are those of TensorFlow's
    CIFAR-10 tutorial, which has the same layers.

    Args:
        num_classes: number of logits.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 5, padding=2)
        self.conv2 = nn.Conv2d(64, 64, 5, padding=2)
        # TensorFlow's alpha counts each of the nine channels, torch's their sum.
        self.response_norm = nn.LocalResponseNorm(9, alpha=0.001, beta=0.75)
        self.fc1 = nn.Linear(64 * 7 * 7, 384)
        self.fc2 = nn.Linear(384, 192)
        self.fc3 = nn.Linear(192, num_classes)
        self.apply(initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, 3, H, W] to logits [N, num_classes]."""
        features = images
        for convolution in (self.conv1, self.conv2):
            features = F.max_pool2d(F.relu(convolution(features)), 3, stride=2, ceil_mode=True)
            features = self.response_norm(features)
        features = F.adaptive_avg_pool2d(features, 7).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(features)))))


class VGG(nn.Module):
    """A VGG (Simonyan and Zisserman, ICLR 2015, Table 1) with a single linear layer, as is usual for small images.

    Convolutions 3 x 3 with bias and ReLU, of 64, 128, 256, 512 and 512 channels with 2 x 2 max pooling after each
    width, global average pooling (of one pixel, where images have 32) and a linear layer. Sizes are rounded up, so that
    28 pixels end with one, too. VGG-11 has 9,225,610 and VGG-16 14,719,818 parameters with 10 classes.

    Args:
        num_classes: number of logits.
        depth: one of `VGG_LAYERS`; the name counts three linear layers, as the original has.
    """

    def __init__(self, num_classes: int, depth: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        stages = zip(pairwise((3, 64, 128, 256, 512, 512)), VGG_LAYERS[depth], strict=True)
        for (before, width), convolutions in stages:
            for number in range(convolutions):
                layers += [nn.Conv2d(width if number else before, width, 3, padding=1), nn.ReLU()]
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(512, num_classes)
        self.apply(initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, 3, H, W] to logits [N, num_classes]."""
        return self.fc(self.features(images).mean(dim=(2, 3)))


def lenet(num_classes: int) -> LeNet:
    """Build LeNet-5."""
    return LeNet(num_classes)


def alexnet(num_classes: int) -> AlexNet:
    """Build the small AlexNet."""
    return AlexNet(num_classes)


def vgg(num_classes: int, depth: int) -> VGG:
    """Build a VGG."""
    return VGG(num_classes, depth)
