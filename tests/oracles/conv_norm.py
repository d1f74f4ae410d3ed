"""Convolutional normalisation and ONI step by step, as the released code computes them; slow, and in evaluation too."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from filterfreq.models.surgery.composition import replace_layers
from filterfreq.models.surgery.conv_norm import ConvNorm


def scale_by_transforms(weight: Tensor, height: int, width: int) -> Tensor:
    """V of a weight, from the spectra of its kernels padded by zeros."""
    return torch.fft.rfft2(weight.detach(), s=(height, width)).abs().square().sum(dim=1).rsqrt()


class ReleasedConvNorm(nn.Module):
    """The layer that a `ConvNorm` is, in the released steps, with its parameters."""

    def __init__(self, layer: ConvNorm) -> None:
        super().__init__()
        self.conv, self.norm = layer.conv, layer.norm
        self.affine_weight, self.affine_bias = layer.affine_weight, layer.affine_bias
        self.register_buffer("running", layer.running_scale.clone())

    def forward(self, images: Tensor) -> Tensor:
        """Map images as the layer does."""
        weight, side = self.conv.weight, self.conv.kernel_size[0]
        features = F.conv2d(images, weight, self.conv.bias, 1, side - 1, 1, self.conv.groups)
        size = features.shape[2:]
        if self.training:
            scale = scale_by_transforms(weight, *size) if side > 1 else weight.detach().square().sum(1).rsqrt()
            self.running.copy_(scale)
        scale = self.running
        features = torch.fft.irfft2(torch.fft.rfft2(features) * scale, s=size) if side > 1 else features * scale
        cut = side - 1 - self.conv.padding[0]
        features = features[:, :, cut : size[0] - cut, cut : size[1] - cut]
        features = features[:, :, :: self.conv.stride[0], :: self.conv.stride[1]]
        if self.affine_weight is not None:
            padding = (side - 1) // 2
            features = F.conv2d(features, self.affine_weight, self.affine_bias, 1, padding, 1, len(self.affine_bias))
        return self.norm(features)


def released(model: nn.Module) -> nn.Module:
    """Put the released steps in place of every `ConvNorm` of a model."""
    return replace_layers(
        model, lambda _name, module: ReleasedConvNorm(module) if isinstance(module, ConvNorm) else None
    )
