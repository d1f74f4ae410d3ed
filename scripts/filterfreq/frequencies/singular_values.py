"""Singular values of 2-D convolutions as linear maps of whole images, for a named boundary: circular or zero.

A circular convolution at stride 1 is one matrix O x I for each frequency of the image, the DFT of its weights; its
singular values are those of these matrices (Sedghi, Gupta and Long, The Singular Values of Convolutional Layers, ICLR
2019). At stride s each output frequency sees the s x s input frequencies that fall on it (aliasing): the matrix is
O x I s^2, divided by s. Weights are real, so half of the frequencies say it all.

A convolution that pads with at most k - 1 zeros, cuts and subsamples is a part of the circular one on (H + k - 1) x
(W + k - 1) pixels at stride 1: the norm of that is an upper bound of its own, see `padded_size`.

`torch.nn.utils.spectral_norm` divides by another number: the norm of the weights reshaped to O x (I k k), see
`reshaped_matrix_norm`.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor
from torch.nn import functional as F

from filterfreq.runtime.errors import InputError

BOUNDARIES = ("circular", "zero")
"""What surrounds an image: itself once more, or zeros."""

Pair = tuple[int, int]
_CHUNK = 2**22  # complex numbers of the matrices that are held at once: 64 MiB in double precision
_DIRECT = 24  # a smaller side up to which all singular values are as cheap as the largest one
_POWER_STEPS = 12
_VECTORS = 40  # of Lanczos
_TOLERANCE = 1e-11  # relative, of the residual: an eigenvalue errs by no more, and mostly by its square
_MARGIN = 1e-4  # relative; single precision errs by less than a tenth of it


def padded_size(kernel_size: Pair, dilation: Pair, height: int, width: int) -> Pair:
    """Return the smallest image, height and width, on which a circular convolution contains the zero-padded one."""
    return height + dilation[0] * (kernel_size[0] - 1), width + dilation[1] * (kernel_size[1] - 1)


def reshaped_matrix_norm(weight: Tensor) -> float:
    """Return the largest singular value of weights reshaped to O x (I k k): no norm of the convolution.

    It is what `torch.nn.utils.spectral_norm` approaches (Miyato et al., ICLR 2018). Of a linear layer's weights it is
    the norm of the layer.
    """
    matrix = _finite(weight).flatten(1)
    return float(torch.linalg.svdvals(matrix)[0])


def circular_singular_values(
    weight: Tensor,
    height: int,
    width: int,
    *,
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    groups: int = 1,
    scale: Tensor | None = None,
) -> Tensor:
    """Return all singular values of a circular convolution, exact up to the rounding of float64.

    Args:
        weight: [O, I / groups, k, k'], real and finite, of any `Conv2d` or composed by a DCT layer.
        height: of the circular image, in pixels, a multiple of the stride.
        width: the same.
        stride: of rows and of columns.
        dilation: of rows and of columns.
        groups: as in `torch.nn.Conv2d`.
        scale: what the outputs are multiplied by in frequency, before they are subsampled: real, [O, height, width //
            2 + 1], as a normalised layer has it; only at stride 1. None: nothing.

    Returns:
        float64 [height / stride, width / stride, groups, min(O / groups, I / groups * stride^2)], each matrix's in
        falling order; with height * width * min(O, I) numbers at stride 1.

    Raises:
        InputError: an image that is no multiple of the stride, a scale at another stride or of another shape, or
            weights or a scale that are not finite.
    """
    matrices = _Matrices(weight, height, width, stride, dilation, groups, scale)
    values = torch.cat([torch.linalg.svdvals(chunk) for chunk in matrices.chunks(torch.complex128)])
    half = values.view(*matrices.half, groups, -1)
    rows, columns = matrices.frequencies
    # The other half holds the conjugate matrices, which have the same singular values.
    mirrored = half[-torch.arange(rows) % rows][:, [columns - column for column in range(half.shape[1], columns)]]
    return torch.cat([half, mirrored], dim=1)


def circular_extremes(
    weight: Tensor,
    height: int,
    width: int,
    *,
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    groups: int = 1,
    scale: Tensor | None = None,
) -> tuple[float, float]:
    """Return the largest and the smallest of `circular_singular_values`, holding one chunk of frequencies at a time.

    The smallest is that of min(O, I stride^2) values of a group: a map to fewer or to more channels is not blamed for
    that.
    """
    matrices = _Matrices(weight, height, width, stride, dilation, groups, scale)
    values = [torch.linalg.svdvals(chunk) for chunk in matrices.chunks(torch.complex128)]
    return max(float(one.max()) for one in values), min(float(one.min()) for one in values)


def circular_norm(
    weight: Tensor,
    height: int,
    width: int,
    *,
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    groups: int = 1,
    scale: Tensor | None = None,
) -> float:
    """Return the largest of `circular_singular_values` alone, which costs far less: the operator norm.

    Of each frequency's matrix M the Gram matrix on its smaller side is taken in single precision. Of the most promising
    frequency the norm t is computed in float64. That t^2 (1 - 1e-4) less a Gram matrix has a
    Cholesky factor proves that this frequency does not reach t; the others are computed in float64 too. So no frequency
    is missed, and the relative error is below 1e-11.

    Args and errors: see `circular_singular_values`.
    """
    if tuple(weight.shape[2:]) == (1, 1) and scale is None:
        height, width = stride  # all frequencies have one matrix
    matrices = _Matrices(weight, height, width, stride, dilation, groups, scale)
    if min(matrices.shape) <= _DIRECT:
        return max(float(torch.linalg.svdvals(one).max()) for one in matrices.chunks(torch.complex128))
    largest = 0.0  # squared
    for start, chunk in matrices.numbered_chunks(torch.complex64):
        gram = chunk @ chunk.mH if chunk.shape[1] <= chunk.shape[2] else chunk.mH @ chunk
        undecided = _power_estimates(gram).argsort(descending=True).tolist()
        while undecided:
            found = _squared_norm(matrices.matrix(start + undecided.pop(0)))
            if found > largest or len(undecided) == len(gram) - 1:
                largest = max(largest, found)
                shifted = largest * (1 - _MARGIN) * torch.eye(gram.shape[1], dtype=gram.dtype) - gram[undecided]
                failed = torch.linalg.cholesky_ex(shifted).info.tolist()
                undecided = [number for number, info in zip(undecided, failed, strict=True) if info]
    return math.sqrt(largest) * matrices.unit


def zero_padded_norm(
    weight: Tensor,
    height: int,
    width: int,
    *,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> float:
    """Return the operator norm of a convolution as it is used, with zeros around the image and its own stride.

    By Lanczos iterations on the map and its transpose in float64, until the norm's relative error is below 1e-10; from
    a fixed start, so that it is the same each time. There is no closed form.

    Args:
        weight: see `circular_singular_values`.
        height: of the image, in pixels.
        width: the same.
        stride: as in `torch.nn.Conv2d`, of rows and of columns.
        padding: the same.
        dilation: the same.
        groups: as in `torch.nn.Conv2d`.

    Raises:
        InputError: weights that are not finite, or an image that is smaller than the kernel.
    """
    weight = _finite(weight)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    extent = padded_size(weight.shape[2:], dilation, 1, 1)
    if height + 2 * padding[0] < extent[0] or width + 2 * padding[1] < extent[1]:
        raise InputError(f"an image of {height} x {width} pixels is smaller than the kernel: give a larger one")
    shape = (1, weight.shape[1] * groups, height, width)

    def normal(flat: np.ndarray) -> np.ndarray:
        """Apply the map, then its transpose."""
        image = torch.from_numpy(flat).view(shape)
        result = torch.nn.grad.conv2d_input(shape, weight, F.conv2d(image, weight, **options), **options)
        return result.flatten().numpy()

    with torch.no_grad():
        return math.sqrt(_largest_eigenvalue(normal, math.prod(shape)))


class _Matrices:
    """The matrix of each frequency of a circular convolution, and of each group, in one row."""

    def __init__(
        self,
        weight: Tensor,
        height: int,
        width: int,
        stride: Pair,
        dilation: Pair,
        groups: int,
        scale: Tensor | None,
    ) -> None:
        if height % stride[0] or width % stride[1]:
            raise InputError(
                f"a circular convolution at stride {stride[0]} x {stride[1]} needs an image that is a multiple of it, "
                f"not {height} x {width}: give another size"
            )
        outputs, inputs, *kernel = weight.shape
        weight = _finite(weight)
        # Of weights of unit size no square leaves the range of single precision.
        self.unit = float(weight.abs().max()) or 1.0
        self._stride = stride
        self._size = (height, width)
        self._groups = groups
        self.frequencies = (height // stride[0], width // stride[1])
        self.half = (self.frequencies[0], self.frequencies[1] // 2 + 1)
        self.shape = (outputs // groups, inputs * stride[0] * stride[1])
        self._taps = [
            torch.arange(side, dtype=torch.float64) * step for side, step in zip(kernel, dilation, strict=True)
        ]
        # [taps, outputs * inputs], of unit size
        self._flat = (weight / self.unit).permute(2, 3, 0, 1).reshape(math.prod(kernel), outputs * inputs)
        self._channels = (outputs, inputs)
        self._scale = None if scale is None else self._checked(scale)

    def _checked(self, scale: Tensor) -> Tensor:
        """A scale as float64, frequency by frequency: [frequencies, O]."""
        wanted = (self._channels[0], self._size[0], self._size[1] // 2 + 1)
        if self._stride != (1, 1) or tuple(scale.shape) != wanted:
            raise InputError(
                f"a scale of the spectrum of shape {tuple(scale.shape)} does not fit a convolution at stride "
                f"{self._stride[0]} x {self._stride[1]}: give one of {wanted} at stride 1"
            )
        return _finite(scale).flatten(1).T

    def numbered_chunks(self, dtype: torch.dtype) -> Iterator[tuple[int, Tensor]]:
        """Yield the number of the first matrix of each chunk, and the chunk, [matrices, *shape]; divided by `unit`."""
        count = math.prod(self.half)
        step = max(1, _CHUNK // (self._groups * math.prod(self.shape)))
        for start in range(0, count, step):
            chunk = self._matrices_of(torch.arange(start, min(start + step, count)), dtype)
            yield start * self._groups, chunk

    def chunks(self, dtype: torch.dtype) -> Iterator[Tensor]:
        """Yield all matrices in chunks, each [matrices, *shape]."""
        for _, chunk in self.numbered_chunks(dtype):
            yield chunk * self.unit

    def matrix(self, number: int) -> Tensor:
        """Return one matrix in double precision, divided by `unit`."""
        frequency, group = divmod(number, self._groups)
        return self._matrices_of(torch.tensor([frequency]), torch.complex128)[group]

    def _matrices_of(self, numbers: Tensor, dtype: torch.dtype) -> Tensor:
        """The matrices of some frequencies of the half spectrum, [frequencies * groups, *shape]."""
        rows, columns = numbers // self.half[1], numbers % self.half[1]
        real = torch.float32 if dtype == torch.complex64 else torch.float64
        flat = self._flat.to(real)
        outputs, inputs = self._channels
        parts = []
        for alias in np.ndindex(*self._stride):
            angles = [
                2 * math.pi / size * (frequency + one * count).double()[:, None] * taps
                for size, frequency, one, count, taps in zip(
                    self._size, (rows, columns), alias, self.frequencies, self._taps, strict=True
                )
            ]
            angle = (angles[0][:, :, None] + angles[1][:, None, :]).flatten(1)
            matrix = torch.complex(angle.cos().to(real) @ flat, angle.sin().to(real) @ flat)
            parts.append(matrix.view(len(numbers) * self._groups, outputs // self._groups, inputs))
        joined = parts[0] if len(parts) == 1 else torch.cat(parts, dim=2) / math.sqrt(len(parts))
        if self._scale is None:
            return joined
        return joined * self._scale[numbers].to(real).reshape(len(joined), -1, 1)


def _power_estimates(gram: Tensor) -> Tensor:
    """About the largest eigenvalue of each Gram matrix, from below."""
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(*gram.shape[:2], 1, generator=generator).to(gram.dtype)
    for _ in range(_POWER_STEPS):
        vectors = gram @ (vectors / torch.linalg.vector_norm(vectors, dim=1, keepdim=True).clamp(min=1e-30))
    return torch.linalg.vector_norm(vectors, dim=1).flatten()


def _squared_norm(matrix: Tensor) -> float:
    """The square of the largest singular value of one matrix."""
    gram = matrix @ matrix.mH if matrix.shape[0] <= matrix.shape[1] else matrix.mH @ matrix
    return float(torch.linalg.eigvalsh(gram)[-1])


def _largest_eigenvalue(apply: Callable[[np.ndarray], np.ndarray], size: int) -> float:
    """The largest eigenvalue of a symmetric map without negative ones, with a relative error below `_TOLERANCE`."""
    if size < 4:  # ARPACK asks for more
        matrix = np.stack([apply(row) for row in np.eye(size)], axis=1)
        return max(float(np.linalg.eigvalsh(matrix)[-1]), 0.0)
    start = np.random.default_rng(0).standard_normal(size)
    if not apply(start).any():
        return 0.0
    operator = LinearOperator((size, size), matvec=lambda vector: apply(vector.ravel()), dtype=np.float64)
    options = {"ncv": min(size - 1, _VECTORS), "tol": _TOLERANCE, "return_eigenvectors": False}
    [value] = eigsh(operator, k=1, which="LA", v0=start, **options)
    return max(float(value), 0.0)


def _finite(values: Tensor) -> Tensor:
    """Numbers as float64 on the CPU, if all are finite."""
    values = values.detach().cpu().double()
    if not values.isfinite().all():
        raise InputError("weights or their scale hold numbers that are not finite: train the model again")
    return values
