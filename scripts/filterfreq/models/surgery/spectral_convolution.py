"""A convolution whose output channels are multiplied by constants in frequency, as cheaply as that can be exact."""

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F

_Pair = tuple[int, int]


def normalised_convolution(
    images: Tensor, weight: Tensor, bias: Tensor | None, scale: Tensor, stride: _Pair, padding: _Pair, groups: int
) -> Tensor:
    """Convolve images, multiply the spectrum of each output channel, and cut to what padding and stride leave.

    The convolution is that with kernel - 1 zeros on every side and stride 1; it has n = image + kernel - 1 pixels a
    side, and its spectrum is the DFT over these. The bias is a constant over all n x n pixels, so that it comes out as
    itself times the scale at frequency 0. A 1 x 1 kernel has one factor for all frequencies: then the
    weights are multiplied, and nothing is transformed.

    Args:
        images: [batch, in_channels, height, width].
        weight: [out_channels, in_channels / groups, kernel height, kernel width].
        bias: [out_channels], or None.
        scale: constants [out_channels, n_h, n_w // 2 + 1], of 1 x 1 kernels [out_channels, 1, 1]; float32 or float64.
        stride: of the convolution.
        padding: of the convolution, below the kernel.
        groups: of the convolution.

    Returns:
        Features of the size that the convolution alone would give. In half precision, or under autocast, what is done
        in frequency is done in float32.
    """
    kernel = weight.shape[2:]
    if tuple(kernel) == (1, 1):
        factor = scale.view(-1, 1, 1, 1)
        bias = None if bias is None else bias * factor.flatten()
        # By its pixels and not by its stride, see filterfreq.models.pointwise.
        images = images[:, :, :: stride[0], :: stride[1]]
        return F.conv2d(images, (weight * factor).to(weight.dtype), bias, 1, 0, 1, groups)
    full = F.conv2d(images, weight, None, 1, (kernel[0] - 1, kernel[1] - 1), 1, groups)
    rows, columns = (
        slice(side - 1 - zeros, full.shape[axis] - (side - 1 - zeros), step)
        for axis, side, zeros, step in zip((2, 3), kernel, padding, stride, strict=True)
    )
    outputs = _Filter.apply(full, scale, rows, columns)
    if bias is not None:
        outputs = outputs + (bias * scale[:, 0, 0]).view(-1, 1, 1).to(outputs.dtype)
    return outputs


class _Filter(torch.autograd.Function):
    """Features [batch, channels, n_h, n_w], each channel's spectrum multiplied, then cut.

    A real symmetric operator, then a cut: so the gradient is laid into zeros and filtered by the same constants, and
    nothing of the features need be kept for it.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, features: Tensor, scale: Tensor, rows: slice, columns: slice) -> Tensor:
        ctx.save_for_backward(scale)
        ctx.cut, ctx.shape = (rows, columns), features.shape
        return _filtered(features, scale)[:, :, rows, columns].to(features.dtype)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (scale,) = ctx.saved_tensors
        padded = gradient.new_zeros(ctx.shape)
        padded[:, :, *ctx.cut] = gradient
        return _filtered(padded, scale).to(gradient.dtype), None, None, None


def _filtered(features: Tensor, scale: Tensor) -> Tensor:
    spectra = torch.fft.rfft2(features.to(scale.dtype))
    return torch.fft.irfft2(spectra.mul_(scale), s=features.shape[2:])
