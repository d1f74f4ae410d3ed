"""Convolutions whose filters are written in the 2-D DCT-II basis (Lukasik et al., TMLR 2023)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from filterfreq.frequencies.dct import dct_basis
from filterfreq.models.surgery.composition import ComposedLayer, replace_layers
from filterfreq.runtime.errors import InputError, unknown_name

DECOMPOSITIONS = ("weight", "signal")


class DCTConv2d(ComposedLayer):
    """A convolution without bias that learns DCT coefficients instead of filter values.

    The paper has two such layers (Lukasik et al., TMLR 2023). Weight decomposition composes the filters,
    `W[o, i] = sum_kl c[o, i, k, l] B[k, l]`, and convolves with them. Signal decomposition convolves every input
    channel with all basis filters and combines the results, `y[o] = sum_i sum_kl c[o, i, k, l] (B[k, l] * x[i])`.
    Convolution is linear in the filter, so **the two are the same linear map**, of the input as of the coefficients:
    equal coefficients give equal outputs and equal gradients, and equal seeds give equal training. This layer computes
    both as one convolution with the composed weight; the released two-stage form of signal decomposition takes several
    times its time and memory. `decomposition` records which of the two a model stands for and changes no number.

    The basis is the released code's, rounded to single precision, whatever the layer's dtype: a layer that is converted
    to float64 computes the map that it was trained with.

    Args:
        in_channels: channels of the input, a multiple of `groups`.
        out_channels: channels of the output, a multiple of `groups`.
        kernel_size: one odd size N, or a pair of equal ones.
        stride, padding, dilation, groups: as in `torch.nn.Conv2d`, padding also "same" or "valid".
        decomposition: "weight" or "signal".
        device, dtype: of the coefficients.

    Attributes:
        coefficients: parameter [out_channels, in_channels / groups, N, N]; the last two axes are the horizontal and the
            vertical frequency. Initially uniform in +-1/sqrt(in_channels / groups * N^2), which is Kaiming-uniform
            with a = sqrt(5), for both decompositions.
        basis: non-persistent buffer [N, N, N, N], see `dct_basis`.

    Raises:
        InputError: an unknown decomposition, a kernel that is not square and odd, or channels that do not divide
            into the groups.
    """

    basis: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        decomposition: str = "weight",
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        _check_decomposition(decomposition)
        n = _odd_square(kernel_size)
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise InputError(
                f"{in_channels} input and {out_channels} output channels cannot be split into {groups} groups: "
                "both must be multiples of groups"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = (n, n)
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.decomposition = decomposition
        shape = (out_channels, in_channels // groups, n, n)
        self.coefficients = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        self.register_buffer("basis", dct_basis(n, torch.float32).to(self.coefficients), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the coefficients anew from their initial distribution."""
        nn.init.kaiming_uniform_(self.coefficients, a=math.sqrt(5))

    def composed_weight(self) -> Tensor:
        """Return the filters `sum_kl c[o, i, k, l] B[k, l]`, shape [out_channels, in_channels / groups, N, N]."""
        out_channels, in_channels, n, _ = self.coefficients.shape
        # In the channels_last memory format, which training uses, this order of the axes copies nothing.
        coefficients = self.coefficients.permute(0, 2, 3, 1).reshape(out_channels, n * n, in_channels)
        filters = self.basis.reshape(n * n, n * n).T @ coefficients
        filters = filters.view(out_channels, n, n, in_channels).permute(0, 3, 1, 2)
        # A convolution takes its memory format from its filters too, so they keep that of the coefficients.
        return filters.contiguous() if self.coefficients.is_contiguous() else filters

    def plain_layer(self) -> nn.Conv2d:
        """Return a `Conv2d` without bias that has the composed filters."""
        # skip_init leaves the random number generator alone: composing a model must not change what is drawn next.
        plain = nn.utils.skip_init(
            nn.Conv2d,
            self.in_channels,
            self.out_channels,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            bias=False,
            device=self.coefficients.device,
            dtype=self.coefficients.dtype,
        )
        plain.weight = nn.Parameter(self.composed_weight().detach(), self.coefficients.requires_grad)
        return plain.train(self.training)

    @torch.no_grad()
    def set_weight(self, weight: Tensor) -> None:
        """Set the coefficients to those of filters [out_channels, in_channels / groups, N, N]."""
        # The basis is orthogonal.
        products = torch.einsum("oiyx,klyx->oikl", weight, self.basis)
        self.coefficients.copy_(products / self.basis.square().sum(dim=(2, 3)))

    def forward(self, images: Tensor) -> Tensor:
        """Convolve images [batch, in_channels, height, width] with the composed filters."""
        return F.conv2d(images, self.composed_weight(), None, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """Describe the layer as `torch.nn.Conv2d` does."""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding}, dilation={self.dilation}, groups={self.groups}, "
            f"decomposition={self.decomposition}"
        )


class SamePad2d(nn.Module):
    """Zeros around images, so that a strided convolution without padding maps a side of n to ceil(n / stride).

    This is TensorFlow's "same" padding. It depends on the size of the images, and an odd number of zeros puts the one
    more at the right and at the bottom.

    Args:
        kernel_size, stride, dilation: of the convolution that follows, as pairs (height, width).
    """

    def __init__(self, kernel_size: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride
        self.dilation = dilation

    def forward(self, images: Tensor) -> Tensor:
        """Pad images [batch, channels, height, width]."""
        padding = []
        for axis in (1, 0):  # F.pad takes the last axis first
            size, stride = images.shape[2 + axis], self.stride[axis]
            extent = (self.kernel_size[axis] - 1) * self.dilation[axis] + 1
            missing = max((math.ceil(size / stride) - 1) * stride + extent - size, 0)
            padding += [missing // 2, missing - missing // 2]
        return F.pad(images, padding)


def decompose(model: nn.Module, decomposition: str, min_kernel_size: int = 3) -> nn.Module:
    """Replace, in place, every convolution with both kernel sides >= `min_kernel_size` by a `DCTConv2d`.

    The new layers have newly drawn coefficients and no bias (Lukasik et al., TMLR 2023, released code); they keep the
    old ones' device, dtype and training mode. A convolution that is used in several places stays shared. One that pads
    as TensorFlow's "same" does (timm's Conv2dSame, in EfficientNets) becomes a `SamePad2d` and a `DCTConv2d`. A patch
    embedding, an even kernel with an equal stride and no padding as at the start of ConvNeXt, is left as it is: it cuts
    images into patches and filters none.

    Args:
        model: any model; nothing is changed unless all its convolutions can be replaced.
        decomposition: "weight" or "signal".
        min_kernel_size: the smallest kernel side that is replaced, in pixels.

    Returns:
        The model. A model that is itself a convolution cannot be replaced in place: then the new layer is returned
        and the given one is left alone.

    Raises:
        InputError: an unknown decomposition; a convolution that has no such form: its kernel is large enough but not
            square and odd, it pads with something other than zeros, or it is of a subclass of Conv2d, which may
            compute something else, and the sentence names the layer; or no convolution is large enough.
    """
    _check_decomposition(decomposition)

    def convert(name: str, module: nn.Module) -> nn.Module | None:
        if not isinstance(module, nn.Conv2d) or min(module.kernel_size) < min_kernel_size:
            return None
        if _is_patch_embedding(module):
            return None
        try:
            return _decompose_layer(module, decomposition)
        except InputError as error:
            raise InputError(f"layer {name or 'at the top'} cannot be decomposed: {error}") from error

    decomposed = replace_layers(model, convert)
    if not any(isinstance(module, DCTConv2d) for module in decomposed.modules()):
        raise InputError(
            f"nothing to decompose: no convolution of the model has both kernel sides >= {min_kernel_size}, "
            "train it without a decomposition"
        )
    return decomposed


def _check_decomposition(decomposition: str) -> None:
    if decomposition not in DECOMPOSITIONS:
        raise unknown_name("decomposition", decomposition, DECOMPOSITIONS)


def _odd_square(kernel_size: int | tuple[int, int]) -> int:
    height, width = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    if height != width or height < 1 or height % 2 == 0:
        raise InputError(f"a {height} x {width} kernel does not fit: DCT layers need a square one of odd size")
    return height


def _is_patch_embedding(layer: nn.Conv2d) -> bool:
    even = all(side % 2 == 0 for side in layer.kernel_size)
    return even and layer.kernel_size == layer.stride and layer.padding in ((0, 0), "valid")


def _pads_same(layer: nn.Conv2d) -> bool:
    # By name, so that timm is imported only by those who build its models.
    return f"{type(layer).__module__}.{type(layer).__name__}" == "timm.layers.conv2d_same.Conv2dSame"


def _decompose_layer(layer: nn.Conv2d, decomposition: str) -> nn.Module:
    if type(layer) is not nn.Conv2d and not _pads_same(layer):
        raise InputError(f"it is a {type(layer).__name__}, which may compute something else than a plain Conv2d")
    if layer.padding_mode != "zeros":
        raise InputError(f"its padding mode is {layer.padding_mode!r}, but DCT layers pad with zeros")
    new = DCTConv2d(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,
        layer.stride,
        layer.padding,
        layer.dilation,
        layer.groups,
        decomposition,
        device=layer.weight.device,
        dtype=layer.weight.dtype,
    )
    new.coefficients.requires_grad_(layer.weight.requires_grad)
    if _pads_same(layer):
        new = nn.Sequential(SamePad2d(layer.kernel_size, layer.stride, layer.dilation), new)
    return new.train(layer.training)
