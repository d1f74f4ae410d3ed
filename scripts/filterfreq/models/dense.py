"""Networks with several fully connected layers, for images of 28 and 32 pixels: alone, or behind convolutions.

They are those that Xu, Zhang, Luo, Xiao, Ma, Frequency Principle, 2019, arXiv 1901.06523, train on MNIST and CIFAR-10,
and others of their kind. Convolutions start as those of `filterfreq.models.feedforward`, linear layers from torch's
default. Whether the paper's convolutions are padded it does not say; its authors' released ones are not.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from filterfreq.models.feedforward import vgg
from filterfreq.models.initialisation import initialise

_SIDE, _SMALL_SIDE = 32, 28


class MultilayerPerceptron(nn.Module):
    """Fully connected layers alone, with ReLU or tanh behind each but the last.

    Inputs are the 3,072 values of images of 32 pixels, or with `grey28` the 784 of grey images of 28 pixels: the mean
    of the channels, scaled from 32 pixels where it has so many. So prepared MNIST, of three equal channels of 32
    pixels, is taken as it was published: 784-400-200-10 has 396,210 parameters.

    Args:
        num_classes: number of logits.
        widths: outputs of each hidden layer.
        tanh: whether the activation is tanh and not ReLU.
        grey28: whether images are made grey and of 28 pixels.
    """

    scaling: Tensor

    def __init__(self, num_classes: int, widths: list[int], *, tanh: bool = False, grey28: bool = False) -> None:
        super().__init__()
        self.grey28 = grey28
        if grey28:
            # Linear interpolation, as a matrix: its gradients are deterministic on a GPU too.
            rows = F.interpolate(torch.eye(_SIDE)[None], size=_SMALL_SIDE, mode="linear")[0]
            self.register_buffer("scaling", rows, persistent=False)
        inputs = _SMALL_SIDE**2 if grey28 else 3 * _SIDE**2
        self.layers = _dense_layers([inputs, *widths, num_classes], tanh=tanh)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, 3, H, W], of 28 or 32 pixels a side, to logits [N, num_classes]."""
        if self.grey28:
            grey = images.mean(dim=1)
            if grey.shape[1] != _SMALL_SIDE:
                grey = self.scaling.T @ grey @ self.scaling
            return self.layers(grey.flatten(1))
        return self.layers(_framed(images).flatten(1))


class ConvolutionalNetwork(nn.Module):
    """Convolutions 3 x 3 without padding, some with 2 x 2 max pooling behind them, then fully connected layers.

    Args:
        num_classes: number of logits.
        convolutions: of each, its channels and whether it is pooled, such as (32, True).
        widths: outputs of each hidden fully connected layer.
        tanh: whether the activation is tanh and not ReLU.
    """

    def __init__(
        self, num_classes: int, convolutions: list[tuple[int, bool]], widths: list[int], *, tanh: bool = False
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, side = 3, _SIDE
        for channels, is_pooled in convolutions:
            layers += [nn.Conv2d(before, channels, 3), nn.Tanh() if tanh else nn.ReLU()]
            before, side = channels, side - 2
            if is_pooled:
                layers.append(nn.MaxPool2d(2))
                side //= 2
        self.features = nn.Sequential(*layers)
        self.layers = _dense_layers([before * side**2, *widths, num_classes], tanh=tanh)
        self.apply(initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [N, 3, H, W], at most 32 pixels a side, to logits [N, num_classes]."""
        return self.layers(self.features(_framed(images)).flatten(1))


def multilayer_perceptron(num_classes: int, widths: str | int, *options: str) -> MultilayerPerceptron:
    """Build a fully connected network, of hidden widths such as "400_200" and options "tanh" and "grey28"."""
    return MultilayerPerceptron(num_classes, _numbers(widths), tanh="tanh" in options, grey28="grey28" in options)


def convolutional_network(
    num_classes: int, convolutions: str | int, widths: str | int, *options: str
) -> ConvolutionalNetwork:
    """Build a small CNN, of convolutions such as "32_64p", p for pooled, hidden widths, and the option "tanh"."""
    parsed = [(int(one.removesuffix("p")), one.endswith("p")) for one in str(convolutions).split("_")]
    return ConvolutionalNetwork(num_classes, parsed, _numbers(widths), tanh="tanh" in options)


def vgg_with_dense_layer(num_classes: int, depth: int, width: int) -> nn.Module:
    """Build a VGG whose linear layer has another one, of so many outputs and with ReLU, before it."""
    model = vgg(num_classes, depth)
    model.fc = nn.Sequential(nn.Linear(model.fc.in_features, width), nn.ReLU(), nn.Linear(width, num_classes))
    return model


def _numbers(text: str | int) -> list[int]:
    return [int(number) for number in str(text).split("_")]


def _dense_layers(widths: list[int], *, tanh: bool) -> nn.Sequential:
    """Linear layers between so many values, with an activation behind each but the last."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.Tanh() if tanh else nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _framed(images: Tensor) -> Tensor:
    """Images of at most 32 pixels a side in a frame of zeros of 32 x 32."""
    missing = [max(_SIDE - side, 0) for side in (images.shape[3], images.shape[2])]  # F.pad takes the last axis first
    return F.pad(images, [part for one in missing for part in (one // 2, one - one // 2)])
