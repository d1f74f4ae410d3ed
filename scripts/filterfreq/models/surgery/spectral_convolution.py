"""A convolution whose output channels are multiplied by constants in frequency, as cheaply as that can be exact."""

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F

_Pair = tuple[int, int]
_MOST_IN_FREQUENCY = 2**25
"""Numbers of the spectra of all kernels, 8 bytes each in single precision, above which they are not held at once."""
_KERNELS_PER_IMAGE = 6
"""How many times as many numbers as the spectra of the features those of the kernels may have, where it pays."""


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
    shape = [side + of_kernel - 1 for side, of_kernel in zip(images.shape[2:], kernel, strict=True)]
    rows, columns = (
        range(side - 1 - zeros, size - (side - 1 - zeros), step)
        for size, side, zeros, step in zip(shape, kernel, padding, stride, strict=True)
    )
    if groups == 1 and _pays_in_frequency(len(images), len(weight), weight.shape[1], scale[0].numel()):
        with torch.autocast(images.device.type, enabled=False):
            outputs = _InFrequency.apply(images.to(scale.dtype), weight.to(scale.dtype), scale, rows, columns)
        outputs = outputs.to(images.dtype)
    else:
        full = F.conv2d(images, weight, None, 1, (kernel[0] - 1, kernel[1] - 1), 1, groups)
        outputs = _Filter.apply(full, scale, *(slice(one.start, one.stop, one.step) for one in (rows, columns)))
    if bias is not None:
        outputs = outputs + (bias * scale[:, 0, 0]).view(-1, 1, 1).to(outputs.dtype)
    return outputs


def _pays_in_frequency(batch: int, out_channels: int, in_channels: int, frequencies: int) -> bool:
    """Whether a convolution in frequency is cheaper than a plain one whose output is transformed twice."""
    kernels, features = out_channels * in_channels, batch * (out_channels + in_channels)
    return kernels <= _KERNELS_PER_IMAGE * features and frequencies * kernels <= _MOST_IN_FREQUENCY


class _InFrequency(torch.autograd.Function):
    """Images [batch, in_channels, height, width] convolved, scaled and cut, all between two transforms.

    The convolution theorem is exact on n x n pixels, as zeros keep the ends apart: at each frequency the output is the
    kernels' spectra times the image's, a product of matrices. So the scale costs nothing beside, the rim that padding
    cuts and the pixels that the stride leaves out are not computed, and the transforms, which are products with the
    matrices of the DFT, begin at the pixels that there are and end at those that are wanted. Gradients take the same
    way back, by the conjugate spectra. Of images and weights the gradient keeps what a plain convolution's does.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, images: Tensor, weight: Tensor, scale: Tensor, rows: range, columns: range) -> Tensor:
        ctx.save_for_backward(images, weight, scale)
        ctx.rows, ctx.columns = rows, columns
        ctx.grid = grid = _grid(images, weight)
        spectra = _transform(images, grid, *map(range, images.shape[2:]))
        kernels = _transform(weight, grid, *_places(weight))
        products = _scaled(_multiply(spectra, [one.mT for one in kernels]), scale)
        return _inverse(products, grid, rows, columns)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        images, weight, scale = ctx.saved_tensors
        grid = ctx.grid
        spectra = _scaled(_transform(gradient, grid, ctx.rows, ctx.columns), scale)
        of_images = of_weight = None
        if ctx.needs_input_grad[0]:
            real, imaginary = _transform(weight, grid, *_places(weight))
            products = _multiply(spectra, [real, imaginary.neg_()])
            of_images = _inverse(products, grid, *map(range, images.shape[2:]))
        if ctx.needs_input_grad[1]:
            real, imaginary = _transform(images, grid, *map(range, images.shape[2:]))
            products = _multiply([one.mT for one in spectra], [real, imaginary.neg_()])
            of_weight = _inverse(products, grid, *_places(weight))
        return of_images, of_weight, None, None, None


def _grid(images: Tensor, weight: Tensor) -> _Pair:
    """Height and width of the whole convolution of images."""
    height, width = (side + kernel - 1 for side, kernel in zip(images.shape[2:], weight.shape[2:], strict=True))
    return height, width


def _places(weight: Tensor) -> tuple[range, range]:
    """Where on the grid each tap of a kernel stands, as torch's convolutions do not turn their kernels."""
    return tuple(range(side - 1, -1, -1) for side in weight.shape[2:])


def _scaled(spectra: list[Tensor], scale: Tensor) -> list[Tensor]:
    """Spectra, frequencies x N x channels, multiplied in place by a scale [channels, n_h, n_w // 2 + 1]."""
    factor = scale.permute(2, 1, 0).reshape(-1, 1, len(scale))
    return [one.mul_(factor) for one in spectra]


def _multiply(one: list[Tensor], other: list[Tensor]) -> list[Tensor]:
    """The products of complex matrices, of real and imaginary parts."""
    real = torch.baddbmm(torch.bmm(one[0], other[0]), one[1], other[1], alpha=-1)
    return [real, torch.baddbmm(torch.bmm(one[0], other[1]), one[1], other[0])]


def _transform(images: Tensor, grid: _Pair, rows: range, columns: range) -> list[Tensor]:
    """The half spectra of images [N, C, ...] whose pixels stand in these rows and columns of a grid.

    Returns:
        Real and imaginary part, frequencies x N x C, those of a column of the spectrum side by side.
    """
    height, width = grid
    half = width // 2 + 1
    number, channels = images.shape[:2]
    down = _waves(height, height, rows, images.dtype, images.device)
    right = _waves(width, half, columns, images.dtype, images.device)
    pixels = images.permute(2, 3, 0, 1).reshape(len(rows), len(columns), -1)
    by_row = torch.bmm(right.flatten(0, 1).expand(len(rows), -1, -1), pixels).transpose(0, 1)
    real, imaginary = by_row[:half], by_row[half:]
    # (cos - i sin)(real + i imaginary)
    cosines, minus_sines = (one.expand(half, -1, -1) for one in down)
    spectra = _multiply([cosines, minus_sines], [real, imaginary])
    return [one.view(-1, number, channels) for one in spectra]


def _inverse(spectra: list[Tensor], grid: _Pair, rows: range, columns: range) -> Tensor:
    """The real images [N, C, ...] of half spectra, as `_transform` returns them, at these rows and columns."""
    height, width = grid
    half = width // 2 + 1
    number, channels = spectra[0].shape[1:]
    dtype, device = spectra[0].dtype, spectra[0].device
    cosines, minus_sines = (one.mT.expand(half, -1, -1) for one in _waves(height, height, rows, dtype, device))
    # (cos + i sin)(real + i imaginary)
    by_column = _multiply([cosines, -minus_sines], [one.view(half, height, -1) for one in spectra])
    real, imaginary = (one.transpose(0, 1) for one in by_column)
    # The half that is not there is the conjugate of this one, but for its first column and, of an even width, its last.
    weights = torch.full((half, 1), 2.0, dtype=dtype, device=device)
    weights[0] = 1
    if width % 2 == 0:
        weights[-1] = 1
    right = _waves(width, half, columns, dtype, device) * (weights / (height * width))
    cosines, minus_sines = (one.mT.expand(len(rows), -1, -1) for one in right)
    images = torch.baddbmm(torch.bmm(cosines, real), minus_sines, imaginary)
    images = images.view(len(rows), len(columns), number, channels).permute(2, 3, 0, 1)
    return images.contiguous(memory_format=torch.channels_last)


@lru_cache(maxsize=256)
def _waves(size: int, frequencies: int, places: range, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Cosines and minus sines of 2 pi f p / size, 2 x frequencies x places."""
    # No view of an inference tensor may be kept for a training that comes later.
    with torch.inference_mode(mode=False):
        turns = torch.outer(torch.arange(frequencies), torch.tensor(list(places))) % size
        angles = turns.double() * (2 * math.pi / size)
        return torch.stack([torch.cos(angles), -torch.sin(angles)]).to(device, dtype)


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
