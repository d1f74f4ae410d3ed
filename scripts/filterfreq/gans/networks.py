"""The generator and the discriminator of SN-GAN.

Miyato et al., Spectral Normalization for Generative Adversarial Networks, ICLR 2018 (arXiv 1802.05957), Table 3: the
standard convolutional networks. The paper's have a width of 64.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from filterfreq.evaluation.filters.linear_maps import linear_maps

_SLOPE = 0.1  # of the discriminator's leaky ReLUs
_HALVINGS = 3


class Generator(nn.Module):
    """From latent vectors to images.

    A linear layer makes maps of an eighth of the image's size; three transposed convolutions (kernel 4, stride 2), each
    with batch normalisation and ReLU, double it; a convolution (kernel 3) and tanh make the image.

    Args:
        latent: numbers of a latent vector.
        width: channels before the last convolution; the first maps have eight times as many.
        image_size: pixels, 32 or 64.
    """

    def __init__(self, latent: int, width: int, image_size: int) -> None:
        super().__init__()
        self.start = image_size // 2**_HALVINGS
        channels = [width * 2**power for power in range(_HALVINGS, -1, -1)]
        self.linear = nn.Linear(latent, channels[0] * self.start**2)
        layers: list[nn.Module] = []
        for before, after in pairwise(channels):
            # What follows subtracts a bias again.
            convolution = nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, 3, 3, padding=1), nn.Tanh())

    def forward(self, latents: Tensor) -> Tensor:
        """Return images, N x 3 x H x W in [-1, 1], of latent vectors, N x latent."""
        maps = self.linear(latents)
        return self.layers(maps.view(len(latents), -1, self.start, self.start))


class Discriminator(nn.Module):
    """From images to scores, which are higher where they look real.

    Seven convolutions with leaky ReLUs of slope 0.1, of which every second one halves the size, and a linear layer.

    Args:
        width: channels of the first convolution; the last has eight times as many.
        image_size: pixels, 32 or 64.
        strided_kernel: height and width of the kernels of the convolutions that halve the size: 4 in the paper, or 3.
    """

    def __init__(self, width: int, image_size: int, strided_kernel: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for power in range(_HALVINGS):
            after = width * 2**power
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.LeakyReLU(_SLOPE)]
            layers += [nn.Conv2d(after, after, strided_kernel, stride=2, padding=1), nn.LeakyReLU(_SLOPE)]
            before = after
        last = width * 2**_HALVINGS
        self.layers = nn.Sequential(*layers, nn.Conv2d(before, last, 3, padding=1), nn.LeakyReLU(_SLOPE))
        self.linear = nn.Linear(last * (image_size // 2**_HALVINGS) ** 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return scores, N, of images, N x 3 x H x W in [-1, 1]."""
        return self.linear(self.layers(images).flatten(1)).squeeze(1)


def normalise_discriminator(discriminator: Discriminator, method: str, image_size: int) -> Discriminator:
    """Normalise the layers of a discriminator in place.

    Args:
        discriminator: one without normalisation.
        method: `spectral` divides the weight of every layer by the largest singular value of its reshaped matrix,
            output channels x the rest, estimated by one power iteration a forward (torch's `spectral_norm`). That is
            not the norm of the convolution. `convnorm` is the convolutional normalisation of Liu et al. (NeurIPS 2021)
            of every convolution, with its affine part and batch normalisation; the linear layer stays as it is.
            `none` changes nothing.
        image_size: height and width of the images, in pixels.

    Raises:
        ValueError: there is no such method.
    """
    if method == "spectral":
        for module in list(discriminator.modules()):
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.utils.parametrizations.spectral_norm(module)
    elif method == "convnorm":
        from filterfreq.models.surgery.convolution_normalisation import normalise

        normalise(discriminator, method, image_size)
    elif method != "none":
        raise ValueError(f"there is no normalisation {method!r} of a discriminator")
    return discriminator


def exact_spectral_norms(discriminator: Discriminator, image_size: int) -> dict[str, float]:
    """Return the operator norm of each layer on the size of image that it has, named as by `reshaped_spectral_norms`.

    Convolutions are circular on H + k - 1 pixels at stride 1, of which the layer is a part, so that it is an upper
    bound of its own norm, see `filterfreq.frequencies.singular_values`. A normalised layer is taken as a whole, with
    its normalisation, depthwise convolution and batch normalisation, of which the running statistics count.

    Args:
        discriminator: one whose weights are finite; it is left as it is.
        image_size: height and width of its images, in pixels.
    """
    layers = linear_maps(discriminator, image_size)
    return {
        f"{number}-{'linear' if layer.weight.ndim == 2 else 'conv'}": layer.choose_weight(True, True).norm("circular")
        for number, layer in enumerate(layers, start=1)
    }


@torch.no_grad()
def reshaped_spectral_norms(network: nn.Module) -> dict[str, float]:
    """Return the largest singular value of each layer's weight as a matrix, output channels x the rest.

    It is the weight that the layer is applied with: after torch's spectral norm about 1. Of a convolution this is not
    the norm of the operator, which depends on the image size.

    Returns:
        By the layer's number and kind, as `2-conv`, in the order of the network; NaN where a weight is not finite.
    """
    # In training mode torch's spectral norm would make a power iteration at each look at a weight.
    was_training = network.training
    network.eval()
    norms: dict[str, float] = {}
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            kind = "conv" if isinstance(module, nn.Conv2d) else "linear"
            matrix = module.weight.flatten(1)
            finite = bool(matrix.isfinite().all())
            norm = torch.linalg.matrix_norm(matrix, 2).item() if finite else float("nan")
            norms[f"{len(norms) + 1}-{kind}"] = norm
    network.train(was_training)
    return norms
