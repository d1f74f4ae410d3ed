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
    return (_InverseSquareRoot.apply(rows @ rows.mT) @ rows).reshape(weight.shape)


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
    rows = _centred(weight, norm_groups)
    by_columns = rows.shape[-2] > rows.shape[-1]
    if by_columns and columns == "corrected":
        rows = rows / torch.linalg.matrix_norm(rows.mT @ rows, keepdim=True).sqrt()
        for _ in range(iterations):
            rows = 1.5 * rows - 0.5 * (rows @ (rows.mT @ rows))
        return rows.reshape(weight.shape)
    gram = rows.mT @ rows if by_columns else rows @ rows.mT
    identity = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    gram = gram + _RIDGE * identity
    norm = torch.linalg.matrix_norm(gram, keepdim=True)
    if not by_columns:
        gram = gram / norm
    inverse = 1.5 * identity - 0.5 * gram  # the first step from the identity
    for _ in range(iterations - 1):
        inverse = 1.5 * inverse - 0.5 * (inverse @ inverse @ inverse @ gram)
    return ((rows @ inverse if by_columns else inverse @ rows) / norm.sqrt()).reshape(weight.shape)


def _centred(weight: Tensor, norm_groups: int) -> Tensor:
    """The rows of each group less their means, norm_groups x rows x numbers in a row."""
    rows = weight.reshape(norm_groups, weight.shape[0] // norm_groups, -1)
    return rows - rows.mean(dim=-1, keepdim=True)


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
        return self.scale * orthogonal_by_newton(weight, self.iterations, self.norm_groups, self.columns)


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
        conv, weight, stride = self.conv, self.composed_weight(), self.stride
        if tuple(weight.shape[2:]) == (1, 1) and conv.padding in ((0, 0), 0, "valid"):
            # See filterfreq.models.pointwise, whose hook is on a layer that is not called here.
            down, right = (stride, stride) if isinstance(stride, int) else stride
            images, stride = images[:, :, ::down, ::right], 1
        return F.conv2d(images, weight, self._bias(), stride, conv.padding, conv.dilation, conv.groups)

    def _weight(self) -> Tensor:
        return self.conv.composed_weight() if isinstance(self.conv, ComposedLayer) else self.conv.weight

    def _bias(self) -> Tensor | None:
        return self.conv.bias if isinstance(self.conv, nn.Conv2d) else None


def _groups(rows: int, at_least: int, most_rows: int) -> int:
    """Return the least number of equal groups of rows that are at least so many, with at most so many rows each."""
    fitting = (groups for groups in range(1, rows + 1) if rows % groups == 0)
    return next(groups for groups in fitting if groups >= min(at_least, rows) and rows // groups <= most_rows)
