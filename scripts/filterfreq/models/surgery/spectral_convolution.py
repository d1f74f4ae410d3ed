"""A convolution whose output channels are multiplied by constants in frequency, as cheaply as that can be exact."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F

_Pair = tuple[int, int]
_PIECE = 2**20
"""Numbers of the kernels' spectra that a processor holds at a time: 4 MiB in single precision, for its cache."""
_PIECE_ON_GPU = 2**25
"""The same on a GPU, where few large products are faster than many small ones."""
_LEAST_PRODUCTS = 8
"""Of a column, at a time, however many kernels there are: each piece passes over all taps of all kernels."""
_OF_TRANSFORM = 300
"""What the two transforms of `_Filter` cost for each number, in multiply-adds of `_InFrequency`, as measured."""


def normalised_convolution(
    images: Tensor, weight: Tensor, bias: Tensor | None, scale: Tensor, stride: _Pair, padding: _Pair, groups: int
) -> Tensor:
    """Convolve images, multiply the spectrum of each output channel, and cut to what padding and stride leave.

    The convolution is that with kernel - 1 zeros on every side and stride 1; it has n = image + kernel - 1 pixels a
    side, and its spectrum is the DFT over these. The bias is a constant over all n x n pixels, so that it comes out as
    itself times the scale at frequency 0.

    Args:
        images: [batch, in_channels, height, width].
        weight: [out_channels, in_channels / groups, kernel height, kernel width].
        bias: [out_channels], or None.
        scale: constants [out_channels, n_h, n_w // 2 + 1]; float32 or float64.
        stride: of the convolution.
        padding: of the convolution, below the kernel.
        groups: of the convolution.

    Returns:
        Features of the size that the convolution alone would give. In half precision, or under autocast, what is done
        in frequency is done in float32.
    """
    kernel = weight.shape[2:]
    shape = [side + of_kernel - 1 for side, of_kernel in zip(images.shape[2:], kernel, strict=True)]
    rows, columns = (
        range(side - 1 - zeros, size - (side - 1 - zeros), step)
        for size, side, zeros, step in zip(shape, kernel, padding, stride, strict=True)
    )
    if groups == 1 and _pays_in_frequency(len(images), *weight.shape, shape):
        with torch.autocast(images.device.type, enabled=False):
            outputs = _InFrequency.apply(images.to(scale.dtype), weight.to(scale.dtype), scale, rows, columns)
        outputs = outputs.to(images.dtype)
    else:
        full = F.conv2d(images, weight, None, 1, (kernel[0] - 1, kernel[1] - 1), 1, groups)
        outputs = _Filter.apply(full, scale, *(slice(one.start, one.stop, one.step) for one in (rows, columns)))
    if bias is not None:
        outputs = outputs + (bias * scale[:, 0, 0]).view(-1, 1, 1).to(outputs.dtype)
    return outputs


def _pays_in_frequency(
    batch: int, out_channels: int, in_channels: int, kernel_height: int, kernel_width: int, grid: _Pair
) -> bool:
    """Whether a convolution in frequency is cheaper than a plain one whose output is transformed twice.

    In multiply-adds for each pixel of the grid. In frequency these are the transforms by matrices, about 4 n for each
    channel, and 1.5 products of each channel with each kernel and of each kernel with its taps. Those of a plain
    convolution take half as long, as measured.
    """
    taps, kernels = kernel_height * kernel_width, out_channels * in_channels
    in_frequency = 4 * max(grid) * batch * (in_channels + out_channels) + 1.5 * kernels * (batch + taps)
    return in_frequency <= batch * (taps / 2 * kernels + _OF_TRANSFORM * out_channels)


class _InFrequency(torch.autograd.Function):
    """Images [batch, in_channels, height, width] convolved, scaled and cut, all between two transforms.

    The convolution theorem is exact on n x n pixels, as zeros keep the ends apart: at each frequency the output is the
    kernels' spectra times the image's. So the scale costs nothing beside, and what padding and stride leave out is not
    computed. `_Grid` says how this is real and bilinear: the output is C (scale * (A images) (B weight)), one product
    of matrices for each row of A and B, and gradients take the same way back by the transposes. Pieces that fit the
    processor's cache are done one after the other, so the kernels' spectra, larger than anything else, never stand in
    memory as a whole. Of images and weights the gradient keeps what a plain convolution's does.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, images: Tensor, weight: Tensor, scale: Tensor, rows: range, columns: range) -> Tensor:
        ctx.save_for_backward(images, weight, scale)
        ctx.grid = grid = _grid(*images.shape[2:], *weight.shape[2:], rows, columns, images.dtype, images.device)
        taps, into = _taps(weight), _column_product(images, grid.first)
        batch, (out_channels, in_channels) = len(images), weight.shape[:2]
        result = images.new_empty(len(grid.first) // 2, 2 * len(rows), batch * out_channels)
        for piece in grid.pieces(scale, out_channels * in_channels):
            spectra = torch.bmm(piece.of_images, into[piece.columns]).view(-1, batch, in_channels)
            kernels = torch.mm(piece.of_kernels, taps).view(-1, out_channels, in_channels)
            products = torch.bmm(spectra, kernels.mT).mul_(piece.scale)
            products = products.view(*piece.shape, -1)
            result[piece.columns].baddbmm_(piece.of_outputs, products, beta=piece.beta)
        return _pixels(result, grid.last, batch)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        images, weight, scale = ctx.saved_tensors
        grid = ctx.grid
        taps, into, back = _taps(weight), _column_product(images, grid.first), _column_product(gradient, grid.last.mT)
        batch, (out_channels, in_channels) = len(images), weight.shape[:2]
        of_images = torch.empty_like(into) if ctx.needs_input_grad[0] else None
        of_taps = torch.empty_like(taps) if ctx.needs_input_grad[1] else None
        for number, piece in enumerate(grid.pieces(scale, out_channels * in_channels)):
            outer = torch.bmm(piece.of_outputs.mT, back[piece.columns]).view(-1, batch, out_channels).mul_(piece.scale)
            if of_images is not None:
                kernels = torch.mm(piece.of_kernels, taps).view(-1, out_channels, in_channels)
                products = torch.bmm(outer, kernels).view(*piece.shape, -1)
                of_images[piece.columns].baddbmm_(piece.of_images.mT, products, beta=piece.beta)
            if of_taps is not None:
                spectra = torch.bmm(piece.of_images, into[piece.columns]).view(-1, batch, in_channels)
                products = torch.bmm(outer.mT, spectra).view(-1, taps.shape[1])
                of_taps.addmm_(piece.of_kernels.mT, products, beta=int(number > 0))
        return (
            None if of_images is None else _pixels(of_images, grid.first.mT, batch),
            None if of_taps is None else of_taps.view(*weight.shape[2:], *weight.shape[:2]).permute(2, 3, 0, 1),
            None,
            None,
            None,
        )


@dataclass(frozen=True)
class _Columns:
    """Some columns of the half spectrum, and the real products that each of them needs.

    Attributes:
        start: the first of them, among all columns as `_Grid.first` has them.
        v: frequency of each column.
        u: frequency of each product, down the column.
        of_images: A, products x 2 image rows; real parts of the rows' transforms, then imaginary ones.
        of_kernels: B, columns x products x taps.
        of_outputs: C, 2 output rows x products.
    """

    start: int
    v: Tensor
    u: Tensor
    of_images: Tensor
    of_kernels: Tensor
    of_outputs: Tensor


@dataclass(frozen=True)
class _Piece:
    """Some columns and some of their products; the fields are slices of those of `_Columns`.

    Attributes:
        shape: number of columns, number of products of each.
        scale: columns * products x 1 x out_channels.
        beta: 0 of the first products of these columns, whose results are not yet there; then 1.
    """

    columns: slice
    shape: _Pair
    of_images: Tensor
    of_kernels: Tensor
    of_outputs: Tensor
    scale: Tensor
    beta: int


@dataclass(frozen=True)
class _Grid:
    """A convolution on n_h x n_w pixels as real products.

    Rows are transformed first (`first`, 2 columns of the spectrum x image columns), then columns, where the products
    are; and back (`last`, output columns x 2 columns of the spectrum). A product of complex numbers (a + ib)(c + id)
    is three real ones, ac, bd and (a + b)(c + d), with sums before and after, which A, B and C contain. Images and
    kernels are real. So half of the columns say all, and of the first one and, where n_w is even, the last one, which
    are transforms of real numbers, half of the rows do; a frequency that is its own mirror image needs one product.
    These columns stand first.
    """

    first: Tensor
    last: Tensor
    groups: tuple[_Columns, ...]

    def pieces(self, scale: Tensor, kernels: int) -> Iterator[_Piece]:
        """Yield the products in pieces, with a scale [out_channels, n_h, n_w // 2 + 1]."""
        most = _PIECE if scale.device.type == "cpu" else _PIECE_ON_GPU
        by_frequency = scale.permute(2, 1, 0)
        for group in self.groups:
            number = len(group.u)
            factor = by_frequency[group.v][:, group.u]
            rows = min(number, max(_LEAST_PRODUCTS, most // kernels))
            columns = max(1, most // (number * kernels))
            for column in range(0, len(group.v), columns):
                across = slice(column, column + columns)
                for row in range(0, number, rows):
                    down = slice(row, row + rows)
                    of_kernels = group.of_kernels[across, down]
                    shape = (of_kernels.shape[0], of_kernels.shape[1])
                    yield _Piece(
                        slice(group.start + column, group.start + column + shape[0]),
                        shape,
                        group.of_images[down].expand(shape[0], -1, -1),
                        of_kernels.flatten(0, 1),
                        group.of_outputs[:, down].expand(shape[0], -1, -1),
                        factor[across, down].reshape(-1, 1, scale.shape[0]),
                        int(row > 0),
                    )


@lru_cache(maxsize=128)
def _grid(
    height: int,
    width: int,
    kernel_height: int,
    kernel_width: int,
    rows: range,
    columns: range,
    dtype: torch.dtype,
    device: torch.device,
) -> _Grid:
    """Return the matrices for images, kernels, and the rows and columns of the grid that are wanted."""
    # No view of an inference tensor may be kept for a training that comes later.
    with torch.inference_mode(False):
        n_h, n_w = height + kernel_height - 1, width + kernel_width - 1
        own_mirror = [0] + [n_w // 2] * (n_w % 2 == 0 and n_w > 1)
        others = [v for v in range(n_w // 2 + 1) if v not in own_mirror]
        order = own_mirror + others

        def made(values: Tensor) -> Tensor:
            return values.to(device, dtype)

        cosines, sines = _waves(n_w, order, range(width))
        first = torch.stack([cosines, -sines], dim=1).flatten(0, 1)
        cosines, sines = _waves(n_w, order, columns)
        # The half that is not there is the conjugate of this one.
        weights = torch.tensor([1.0] * len(own_mirror) + [2.0] * len(others), dtype=torch.float64) / (n_h * n_w)
        last = (torch.stack([cosines, -sines], dim=1) * weights[:, None, None]).flatten(0, 1).mT
        groups = []
        for start, some, whole in ((0, own_mirror, False), (len(own_mirror), others, True)):
            if some:
                groups.append(
                    _columns(start, some, whole, (n_h, n_w), (kernel_height, kernel_width), range(height), rows)
                )
        return _Grid(
            made(first),
            made(last.contiguous()),
            tuple(
                _Columns(
                    one.start,
                    one.v.to(device),
                    one.u.to(device),
                    *map(made, (one.of_images, one.of_kernels, one.of_outputs)),
                )
                for one in groups
            ),
        )


def _columns(
    start: int, columns: list[int], whole: bool, size: _Pair, kernel: _Pair, image_rows: range, output_rows: range
) -> _Columns:
    """Return the matrices of some columns, `whole` or half as those of real numbers, float64."""
    height, width = size
    own_mirror = [] if whole else [0] + [height // 2] * (height % 2 == 0 and height > 1)
    others = [u for u in range(height if whole else height // 2 + 1) if u not in own_mirror]
    cosines, sines = _waves(height, own_mirror + others, image_rows)
    one = len(own_mirror)
    real, imaginary = torch.cat([cosines, sines], dim=1), torch.cat([-sines, cosines], dim=1)[one:]
    of_images = torch.cat([real[:one], real[one:], imaginary, real[one:] + imaginary])
    # As torch's convolutions do not turn their kernels.
    down = _turns(height, own_mirror + others, range(kernel[0] - 1, -1, -1))
    right = _turns(width, columns, range(kernel[1] - 1, -1, -1))
    angles = (2 * math.pi * (down[None, :, :, None] + right[:, None, None, :])).flatten(2)
    real, imaginary = angles.cos(), -angles.sin()[:, one:]
    of_kernels = torch.cat([real, imaginary, real[:, one:] + imaginary], dim=1)
    cosines, sines = (wave.mT for wave in _waves(height, own_mirror + others, output_rows))
    single, cosines, sines = cosines[:, :one], cosines[:, one:], sines[:, one:]
    real = torch.cat([single, cosines + sines, sines - cosines, -sines], dim=1)
    imaginary = torch.cat([torch.zeros_like(single), sines - cosines, -sines - cosines, cosines], dim=1)
    if not whole:
        real[:, one:] *= 2
        imaginary = torch.zeros_like(real)
    u = torch.tensor(own_mirror + 3 * others)
    return _Columns(start, torch.tensor(columns), u, of_images, of_kernels, torch.cat([real, imaginary]))


def _turns(size: int, frequencies: Sequence[int], places: range) -> Tensor:
    """Turns f p / size without the whole ones, frequencies x places, float64."""
    whole = torch.outer(torch.tensor(frequencies), torch.tensor(places)) % size
    return whole.double() / size


def _waves(size: int, frequencies: Sequence[int], places: range) -> tuple[Tensor, Tensor]:
    """Cosines and sines of `_turns`."""
    angles = 2 * math.pi * _turns(size, frequencies, places)
    return angles.cos(), angles.sin()


def _column_product(images: Tensor, waves: Tensor) -> Tensor:
    """Transform the rows of images [N, C, height, width] by waves [2 columns, width]: columns x 2 height x N C."""
    pixels = images.permute(3, 2, 0, 1).reshape(images.shape[3], -1)
    return torch.mm(waves, pixels).view(len(waves) // 2, 2 * images.shape[2], -1)


def _pixels(columns: Tensor, waves: Tensor, batch: int) -> Tensor:
    """Images [batch, C, height, width] of transformed rows, columns x 2 height x N C; waves are [width, 2 columns]."""
    number, twice, features = columns.shape
    pixels = torch.mm(waves, columns.view(2 * number, -1)).view(len(waves), twice // 2, batch, features // batch)
    return pixels.permute(2, 3, 1, 0).contiguous(memory_format=torch.channels_last)


def _taps(weight: Tensor) -> Tensor:
    """A weight [O, I, ...] by its taps, taps x O I."""
    return weight.permute(2, 3, 0, 1).reshape(math.prod(weight.shape[2:]), -1)


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
