"""Convolutions whose weights are normalised before use: by eigenvectors, Newton's iteration or the spectral norm.

All of them are of the weight as a matrix, out_channels x (in_channels / groups * kernel height * kernel width). None is
of the convolution as an operator on images.
"""

import math

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from filterfreq.models.surgery.composition import ComposedLayer
from filterfreq.runtime.errors import InputError, unknown_name

SCALE = math.sqrt(2)
"""Of normalised rows, at first: the sources write 1.414, for the half of the signal that a ReLU takes."""
COLUMN_MODES = ("corrected", "released")
_RIDGE = 1e-5


class _InverseSquareRoot(torch.autograd.Function):
    """S^(-1/2) of symmetric positive matrices [..., n, n].

    The derivative is -1 / (sqrt(a) sqrt(b) (sqrt(a) + sqrt(b))) between the eigenvectors of a and b, also where a = b,
    where that of the eigenvectors themselves is infinite.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, matrix: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(matrix)
        roots = values.sqrt()
        ctx.save_for_backward(roots, vectors)
        return (vectors / roots.unsqueeze(-2)) @ vectors.mT

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        roots, vectors = ctx.saved_tensors
        one, other = roots.unsqueeze(-1), roots.unsqueeze(-2)
        between = -(vectors.mT @ gradient @ vectors) / (one * other * (one + other))
        return vectors @ between @ vectors.mT


class _Gram(torch.autograd.Function):
    """Z Z^T of matrices [..., n, m]; its gradient, (G + G^T) Z, is one product instead of two."""

    @staticmethod
    def forward(ctx: FunctionCtx, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        return rows @ rows.mT

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        return (gradient + gradient.mT) @ rows


def orthogonal_by_eigenvectors(weight: Tensor, norm_groups: int = 1) -> Tensor:
    """Make the rows of a weight orthonormal within groups of them (Huang et al., AAAI 2018: OWN).

    Of a group's rows Z less each row's mean: (Zc Zc^T)^(-1/2) Zc.

    Args:
        weight: [out_channels, ...]; the rows are flat.
        norm_groups: how many groups of neighbouring rows, a divisor of out_channels; the rows of a group are at most
            the numbers in a row, less 1.

    Returns:
        Of the weight's shape, before any scale. Gradients pass through.
    """
    rows = _centred(weight, norm_groups)
    return _shaped(_InverseSquareRoot.apply(_Gram.apply(rows)) @ rows, weight)


def orthogonal_by_newton(weight: Tensor, iterations: int, norm_groups: int = 1, columns: str = "corrected") -> Tensor:
    """Make a weight about orthogonal by Newton's iteration (Huang et al., CVPR 2020: ONI).

    With centred rows Zc as in `orthogonal_by_eigenvectors`, S = (Zc Zc^T + 1e-5 I) / c, c the Frobenius norm of the
    bracket, B_0 = I and B_(t+1) = 1.5 B_t - 0.5 B_t^3 S: B_T Zc / sqrt(c).

    Where there are more rows than numbers in a row, the columns are made orthogonal. There "corrected" is the same
    iteration in the form W_0 = Zc / sqrt(c), W_(t+1) = 1.5 W_t - 0.5 W_t W_t^T W_t with c the norm of Zc^T Zc: without
    the 1e-5, as rounding explodes in the other form, because centred rows have nothing along one direction. "released"
    is what the code of Liu et al. (2021) does: S = Zc^T Zc + 1e-5 I is not divided by its norm c, and the result is
    Zc B_T / sqrt(c). Small weights come out with singular values up to 1 / sqrt(c), and many iterations explode.

    Args:
        weight: [out_channels, ...]; the rows are flat.
        iterations: T, at least 1.
        norm_groups: see `orthogonal_by_eigenvectors`.
        columns: "corrected" or "released".

    Returns:
        Of the weight's shape, before any scale. Gradients pass through.
    """
    matrix, rows = _newton_factors(weight, iterations, norm_groups, columns)
    return _shaped(rows if matrix is None else matrix @ rows, weight)


def _newton_factors(weight: Tensor, iterations: int, norm_groups: int, columns: str) -> tuple[Tensor | None, Tensor]:
    """Return what `orthogonal_by_newton` multiplies: norm_groups x rows x rows, and the rows.

    There is no matrix where the columns are made orthogonal: the second is then the result.
    """
    rows = _centred(weight, norm_groups)
    by_columns = rows.shape[-2] > rows.shape[-1]
    if by_columns and columns == "corrected":
        rows = rows / torch.linalg.matrix_norm(_Gram.apply(rows.mT), keepdim=True).sqrt()
        for _ in range(iterations):
            rows = 1.5 * rows - 0.5 * (rows @ _Gram.apply(rows.mT))
        return None, rows
    gram = _Gram.apply(rows.mT if by_columns else rows)
    identity = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    gram = gram + _RIDGE * identity
    norm = torch.linalg.matrix_norm(gram, keepdim=True)
    if not by_columns:
        gram = gram / norm
    inverse = 1.5 * identity - 0.5 * gram  # the first step from the identity
    for _ in range(iterations - 1):
        inverse = 1.5 * inverse - 0.5 * (inverse @ inverse @ inverse @ gram)
    inverse = inverse / norm.sqrt()
    return (None, rows @ inverse) if by_columns else (inverse, rows)


def _centred(weight: Tensor, norm_groups: int) -> Tensor:
    """The rows of each group less their means, norm_groups x rows x numbers in a row, in the order of `_shaped`."""
    flat = weight.movedim(1, -1) if _channels_last(weight) else weight
    rows = flat.reshape(norm_groups, weight.shape[0] // norm_groups, -1)
    return rows - rows.mean(dim=-1, keepdim=True)


def _shaped(rows: Tensor, weight: Tensor) -> Tensor:
    """Rows as a tensor of a weight's shape. Nothing here asks for the order of a row, so it is that in memory."""
    if _channels_last(weight):
        return rows.reshape(len(weight), *weight.shape[2:], -1).movedim(-1, 1)
    return rows.reshape(weight.shape)


def _channels_last(weight: Tensor) -> bool:
    return weight.dim() == 4 and weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()


class OWN(nn.Module):
    """`orthogonal_by_eigenvectors` of any weight, times `SCALE`."""

    def __init__(self, norm_groups: int) -> None:
        super().__init__()
        self.norm_groups = norm_groups

    def forward(self, weight: Tensor) -> Tensor:
        """Normalise a weight [out_channels, ...]."""
        return SCALE * orthogonal_by_eigenvectors(weight, self.norm_groups)


class ONI(nn.Module):
    """`orthogonal_by_newton` of any weight, times a learned scale of each row, `SCALE` at first."""

    def __init__(self, weight: Tensor, iterations: int, norm_groups: int, columns: str) -> None:
        super().__init__()
        self.iterations, self.norm_groups, self.columns = iterations, norm_groups, columns
        self.scale = nn.Parameter(weight.new_full((weight.shape[0], 1, 1, 1), SCALE))

    def forward(self, weight: Tensor) -> Tensor:
        """Normalise a weight [out_channels, in_channels / groups, height, width]."""
        matrix, rows = self.factors(weight)
        return _shaped(rows if matrix is None else matrix @ rows, weight)

    def factors(self, weight: Tensor) -> tuple[Tensor | None, Tensor]:
        """Return the normalised weight as a product of norm_groups x rows x rows, or None, and rows x numbers in one.

        The scale is in the smaller of them: it is one of rows, and so is the product.
        """
        matrix, rows = _newton_factors(weight, self.iterations, self.norm_groups, self.columns)
        scale = self.scale.view(self.norm_groups, -1, 1)
        return (None, scale * rows) if matrix is None else (scale * matrix, rows)


class _Holder(nn.Module):
    """What torch's spectral norm is put on; it then works on any weight of this shape."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.detach().clone())


class NormalisedConv2d(ComposedLayer):
    """A convolution with a normalised weight.

    Args:
        conv: a `Conv2d` or `DCTConv2d`; of the latter the composed kernel is normalised.
        method: "own", "oni" or "spectral", the spectral norm of the reshaped matrix by torch's parametrisation.
        iterations: of "oni".
        norm_groups: of "own" and "oni", how many groups of rows at least: they are as many as divide out_channels and
            make the rows of a group fewer than the numbers in a row ("oni": only divide).
        columns: of "oni", see `orthogonal_by_newton`.

    Raises:
        InputError: an unknown name, a row has too few numbers, or the convolution pads with something else than zeros.
    """

    def __init__(
        self, conv: nn.Module, method: str, *, iterations: int = 3, norm_groups: int = 1, columns: str = "corrected"
    ) -> None:
        super().__init__()
        if columns not in COLUMN_MODES:
            raise unknown_name("column mode", columns, COLUMN_MODES)
        if iterations < 1:
            raise InputError(f"iterations {iterations} is out of range: Newton's iteration needs at least 1")
        if getattr(conv, "padding_mode", "zeros") != "zeros":
            raise InputError(f"its padding mode is {conv.padding_mode!r} and not zeros")
        self.conv = conv
        self.out_channels, self.stride = conv.out_channels, conv.stride
        weight = self._weight().detach()
        numbers = weight[0].numel()
        if method == "spectral":
            self.parametrisation = spectral_norm(_Holder(weight)).parametrizations.weight[0]
        elif numbers < 2:
            raise InputError(f"its filters are single numbers, of which centred ones are 0: {method} has no form of it")
        elif method == "own":
            self.parametrisation = OWN(_groups(len(weight), norm_groups, numbers - 1))
        elif method == "oni":
            self.parametrisation = ONI(weight, iterations, _groups(len(weight), norm_groups, len(weight)), columns)
        else:
            raise unknown_name("normalisation", method, ("own", "oni", "spectral"))
        self.train(conv.training)

    def composed_weight(self) -> Tensor:
        """Return the normalised weight; in training "spectral" takes one power iteration for it."""
        weight = self._weight()
        with torch.autocast(weight.device.type, enabled=False):
            return self.parametrisation(weight)

    def plain_layer(self) -> nn.Conv2d:
        """Return a `Conv2d` that has the normalised weight."""
        inner = self.conv
        plain = nn.utils.skip_init(
            nn.Conv2d,
            inner.in_channels,
            self.out_channels,
            inner.kernel_size,
            self.stride,
            inner.padding,
            inner.dilation,
            inner.groups,
            bias=self._bias() is not None,
            device=self._weight().device,
            dtype=self._weight().dtype,
        )
        # In evaluation, so that a look at the weight moves no power iteration.
        training = self.parametrisation.training
        self.parametrisation.eval()
        plain.weight = nn.Parameter(self.composed_weight().detach())
        self.parametrisation.train(training)
        if self._bias() is not None:
            plain.bias = nn.Parameter(self._bias().detach().clone())
        return plain.train(self.training)

    def set_weight(self, weight: Tensor) -> None:
        """Set the weight that is normalised."""
        if isinstance(self.conv, ComposedLayer):
            self.conv.set_weight(weight)
        else:
            with torch.no_grad():
                self.conv.weight.copy_(weight)

    def spectrum_scale(self, height: int, width: int) -> Tensor:
        """Return ones [out_channels, n_h, n_w // 2 + 1], n = image + kernel - 1: all is in the composed weight."""
        weight = self._weight()
        rows, columns = height + weight.shape[2] - 1, width + weight.shape[3] - 1
        return weight.new_ones(self.out_channels, rows, columns // 2 + 1)

    def forward(self, images: Tensor) -> Tensor:
        """Convolve images [batch, in_channels, height, width] with the normalised weight."""
        matrix, weight = self._factors(images)
        conv, stride, bias = self.conv, self.stride, self._bias()
        if tuple(weight.shape[2:]) == (1, 1) and conv.padding in ((0, 0), 0, "valid"):
            # See filterfreq.models.pointwise, whose hook is on a layer that is not called here.
            down, right = (stride, stride) if isinstance(stride, int) else stride
            images, stride = images[:, :, ::down, ::right], 1
        if matrix is None:
            return F.conv2d(images, weight, bias, stride, conv.padding, conv.dilation, conv.groups)
        features = F.conv2d(images, weight, None, stride, conv.padding, conv.dilation, conv.groups)
        return F.conv2d(features, matrix.reshape(self.out_channels, -1, 1, 1), bias, groups=len(matrix))

    def _factors(self, images: Tensor) -> tuple[Tensor | None, Tensor]:
        """Return a matrix for the outputs of each group of rows, or None, and the weight to convolve with.

        A convolution is linear in its weight. So where features have fewer pixels than rows have numbers, the matrix
        of `ONI` multiplies the features, which is cheaper than the weight, and its gradients too. Not in half
        precision, in which features are.
        """
        if not isinstance(self.parametrisation, ONI) or torch.is_autocast_enabled(images.device.type):
            return None, self.composed_weight()
        weight = self._weight()
        matrix, rows = self.parametrisation.factors(weight)
        down, right = (self.stride, self.stride) if isinstance(self.stride, int) else self.stride
        if matrix is not None and images[:, 0, ::down, ::right].numel() >= rows.shape[-1]:
            matrix, rows = None, matrix @ rows
        return matrix, _shaped(rows, weight)

    def _weight(self) -> Tensor:
        return self.conv.composed_weight() if isinstance(self.conv, ComposedLayer) else self.conv.weight

    def _bias(self) -> Tensor | None:
        return self.conv.bias if isinstance(self.conv, nn.Conv2d) else None


def _groups(rows: int, at_least: int, most_rows: int) -> int:
    """Return the least number of equal groups of rows that are at least so many, with at most so many rows each."""
    fitting = (groups for groups in range(1, rows + 1) if rows % groups == 0)
    return next(groups for groups in fitting if groups >= min(at_least, rows) and rows // groups <= most_rows)
