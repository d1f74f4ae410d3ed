"""Convolutional normalisation: each output channel of a convolution gets a flat spectrum (Liu et al., NeurIPS 2021).

Written after the released code, whose faults are left out or handled; docs/methods.md lists them.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from filterfreq.models.surgery.composition import ComposedLayer
from filterfreq.models.surgery.spectral_convolution import normalised_convolution
from filterfreq.runtime.errors import InputError

OTHER_SIZES = ("refuse", "recompute")
_LAST = 40000  # forward passes after which the released schedule is at its end
_LEAST = 0.01


def averaging_factor(forwards: Tensor) -> Tensor:
    """Return the weight of the new scale in the running one, as the released code has it where no momentum is given.

    Args:
        forwards: n, int64, the number of forward passes in training so far, this one included.

    Returns:
        max((cos(pi min(n, 40000) / 40000) + 1) / 2, 0.01), float64: 1 at the start, 0.5 at n = 20,000.
    """
    share = forwards.clamp(max=_LAST).double() / _LAST
    return ((torch.cos(math.pi * share) + 1) / 2).clamp(min=_LEAST)


@torch.no_grad()
def spectrum_scale(weight: Tensor, height: int, width: int) -> Tensor:
    """Return the factor that makes the spectrum of each output channel of a convolution flat.

    V[o](u, v) = (sum_i |DFT(w[o, i])(u, v)|^2)^(-1/2), with the kernels padded by zeros to `height` x `width`. The sum
    is that over pairs of taps p, q of G[o][p, q] cos(2 pi ((y_p - y_q) u / height + (x_p - x_q) v / width)) with the
    Gram matrix G[o] = sum_i vec(w[o, i]) vec(w[o, i])^T, because |a|^2 = a conj(a) and the sum over i touches the
    weights alone. So no padded kernel is transformed; from G to the sum everything is float64.

    Where the sum is below 4 epsilon of the weight's dtype times its maximum over frequencies, rounding has made it, and
    this bound stands instead: the factor stays finite where a spectrum vanishes. Of a channel without any weight it
    is 1.

    Args:
        weight: [out_channels, in_channels / groups, kernel height, kernel width].
        height: of the transform in pixels, at least the kernel's.
        width: the same.

    Returns:
        [out_channels, height, width // 2 + 1], of the weight's dtype, float32 for half precision; of a 1 x 1 kernel,
        whose spectrum is flat, [out_channels, 1, 1].
    """
    weight = weight.detach()
    weight = weight if weight.dtype == torch.float64 else weight.float()
    out_channels, _, *kernel = weight.shape
    if kernel == [1, 1]:
        power = weight.double().square().sum(dim=1)
    else:
        taps = weight.permute(0, 2, 3, 1).reshape(out_channels, kernel[0] * kernel[1], -1)
        gram = (taps @ taps.mT).flatten(1).double()
        table = _cosines(*kernel, height, width, weight.device)
        power = (gram @ table).view(out_channels, height, width // 2 + 1)
    power = power.to(weight.dtype)
    highest = power.amax(dim=(1, 2), keepdim=True)
    power = torch.maximum(power, highest * (4 * torch.finfo(weight.dtype).eps))
    return torch.where(highest > 0, power, 1.0).rsqrt()


@lru_cache(maxsize=32)
def _cosines(rows: int, columns: int, height: int, width: int, device: torch.device) -> Tensor:
    """Return the cosines of `spectrum_scale`, float64, pairs of taps x frequencies."""
    # No view of an inference tensor may be kept for a training that comes later.
    with torch.inference_mode(False):
        y = torch.arange(rows, device=device).repeat_interleave(columns)
        x = torch.arange(columns, device=device).repeat(rows)
        u = torch.arange(height, device=device)
        v = torch.arange(width // 2 + 1, device=device)
        # Whole turns are taken off in integers.
        down = ((y[:, None] - y).flatten()[:, None] * u) % height
        right = ((x[:, None] - x).flatten()[:, None] * v) % width
        turns = down[:, :, None].double() / height + right[:, None, :].double() / width
        return torch.cos(2 * math.pi * turns).flatten(1)


class ConvNorm(nn.Module):
    """A convolution whose output channels have flat spectra, then a depthwise convolution and batch normalisation.

    With n = image + kernel - 1 pixels a side: the convolution wherever the kernel meets the image (zeros around it,
    stride 1), as a circular one on n x n pixels, is multiplied in frequency by V, the `spectrum_scale` of the weights,
    then cut to the pixels of the layer's own padding and stride. The circular convolution then has
    sum_i |V DFT(w[o, i])|^2 = 1 at every frequency, so a spectral norm of at most sqrt(out_channels). No gradient
    passes through V. In training V is that of the present weights, in evaluation an average over training,
    `running_scale`; of a network that was never trained it is that of the weights.

    Args:
        conv: a `Conv2d` or `DCTConv2d`; of the latter the composed kernel is normalised.
        height, width: of the images that the layer is to get, in pixels.
        affine: follow it by a depthwise convolution of the kernel's size with bias, stride 1, drawn as torch draws
            convolutions; with `batch_norm`, also give that a scale and a shift.
        batch_norm: end with batch normalisation.
        momentum: weight of the new scale in the running one, in (0, 1]; None is `averaging_factor`. With a number the
            average starts from 0 and comes up to the scale in the course of about 1 / momentum passes, as released.
        other_sizes: what images of another size meet in evaluation: "refuse" is an error, "recompute" V of the weights.

    Attributes:
        running_scale: buffer [out_channels, n_h, n_w // 2 + 1], of 1 x 1 kernels [out_channels, 1, 1].
        num_forwards: int64 buffer, the forward passes in training so far.
        affine_weight: parameter [out_channels, 1, kernel height, kernel width], or None.
        affine_bias: parameter [out_channels], or None.

    Raises:
        InputError: the convolution is dilated, has an even kernel, pads with something else than zeros or by more than
            the kernel less one; or momentum or `other_sizes` is none of these.
    """

    running_scale: Tensor
    num_forwards: Tensor

    def __init__(
        self,
        conv: nn.Module,
        height: int,
        width: int,
        *,
        affine: bool = True,
        batch_norm: bool = True,
        momentum: float | None = None,
        other_sizes: str = "refuse",
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = _pair(conv.kernel_size), _pair(conv.stride)
        self.padding = _padding(conv, self.kernel_size)
        if momentum is not None and not 0 < momentum <= 1:
            raise InputError(f"momentum {momentum} is out of range: give a number above 0 and up to 1, or leave it out")
        if other_sizes not in OTHER_SIZES:
            raise InputError(f"other_sizes {other_sizes!r} is none of {', '.join(OTHER_SIZES)}")
        self.conv = conv
        self.out_channels = conv.out_channels
        self.height, self.width = height, width
        self.momentum, self.other_sizes = momentum, other_sizes
        like = self._weight().detach()
        self.register_buffer("running_scale", torch.zeros_like(spectrum_scale(like, *self._grid(height, width))))
        self.register_buffer("num_forwards", torch.zeros((), dtype=torch.int64, device=like.device))
        self.affine_weight = self.affine_bias = None
        if affine:
            self.affine_weight = nn.Parameter(like.new_empty(self.out_channels, 1, *self.kernel_size))
            self.affine_bias = nn.Parameter(like.new_empty(self.out_channels))
            nn.init.kaiming_uniform_(self.affine_weight, a=math.sqrt(5))
            bound = 1 / math.sqrt(math.prod(self.kernel_size))
            nn.init.uniform_(self.affine_bias, -bound, bound)
        self.norm = nn.Identity()
        if batch_norm:
            self.norm = nn.BatchNorm2d(self.out_channels, affine=affine, device=like.device, dtype=like.dtype)
        self.train(conv.training)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [batch, in_channels, height, width] to the size that the convolution alone would give."""
        weight = self._weight()
        scale = self._scale(weight, *images.shape[2:])
        bias = self.conv.bias if isinstance(self.conv, nn.Conv2d) else None
        if self.kernel_size == (1, 1):
            return self.norm(self._pointwise(images, weight, bias, scale.view(-1, 1, 1, 1)))
        outputs = normalised_convolution(images, weight, bias, scale, self.stride, self.padding, self.conv.groups)
        if self.affine_weight is not None:
            padding = tuple((side - 1) // 2 for side in self.kernel_size)
            outputs = F.conv2d(outputs, self.affine_weight, self.affine_bias, 1, padding, 1, self.out_channels)
        return self.norm(outputs)

    def _pointwise(self, images: Tensor, weight: Tensor, bias: Tensor | None, factor: Tensor) -> Tensor:
        """A 1 x 1 convolution: the scale and the depthwise convolution are one factor of each channel's weights."""
        if self.affine_weight is not None:
            factor = factor * self.affine_weight
        if bias is not None:
            bias = bias * factor.flatten()
        if self.affine_bias is not None:
            bias = self.affine_bias if bias is None else bias + self.affine_bias
        # By its pixels and not by its stride, see filterfreq.models.pointwise.
        images = images[:, :, :: self.stride[0], :: self.stride[1]]
        return F.conv2d(images, (weight * factor).to(weight.dtype), bias, 1, 0, 1, self.conv.groups)

    def spectrum_scale(self, height: int, width: int) -> Tensor:
        """Return the factor on each output channel's spectrum, for images of this size, in the layer's present mode.

        Returns:
            Real, [out_channels, n_h, n_w // 2 + 1] with n = image + kernel - 1; 1 x 1 kernels too.
        """
        with torch.no_grad():
            rows, columns = self._grid(height, width)
            weight = self._weight()
            scale = spectrum_scale(weight, rows, columns) if self.training else self._running(weight, height, width)
            return scale.expand(-1, rows, columns // 2 + 1)

    def extra_repr(self) -> str:
        """Describe what its parts do not show."""
        return f"{self.height} x {self.width} pixels, affine={self.affine_weight is not None}, momentum={self.momentum}"

    def _weight(self) -> Tensor:
        return self.conv.composed_weight() if isinstance(self.conv, ComposedLayer) else self.conv.weight

    def _grid(self, height: int, width: int) -> tuple[int, int]:
        return height + self.kernel_size[0] - 1, width + self.kernel_size[1] - 1

    def _scale(self, weight: Tensor, height: int, width: int) -> Tensor:
        if not self.training:
            return self._running(weight, height, width)
        self._check_size(height, width)
        scale = spectrum_scale(weight, *self._grid(height, width))
        with torch.no_grad():
            self.num_forwards += 1
            factor = self.momentum
            if factor is None:
                factor = averaging_factor(self.num_forwards).to(scale.dtype)
            self.running_scale.mul_(1 - factor).add_(factor * scale)
        return scale

    def _running(self, weight: Tensor, height: int, width: int) -> Tensor:
        if self.other_sizes == "recompute" and not self._has_size(height, width):
            return spectrum_scale(weight, *self._grid(height, width))
        self._check_size(height, width)
        count = self.num_forwards
        # A GPU is not asked, which would have to wait for its answer, and could not while a CUDA graph is recorded.
        if count.device.type == "cpu" and count > 0:
            return self.running_scale
        return torch.where(count > 0, self.running_scale, spectrum_scale(weight, *self._grid(height, width)))

    def _has_size(self, height: int, width: int) -> bool:
        return self.kernel_size == (1, 1) or (height, width) == (self.height, self.width)

    def _check_size(self, height: int, width: int) -> None:
        if not self._has_size(height, width):
            raise InputError(
                f"a convolution that is normalised for {self.height} x {self.width} pixels got {height} x {width}, for "
                "which it has no spectrum: give images of the size of training, or train with other_sizes: recompute"
            )


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _padding(conv: nn.Module, kernel_size: tuple[int, int]) -> tuple[int, int]:
    """Return the zeros on each side of a convolution that can be normalised.

    Raises:
        InputError: it cannot.
    """
    said = None
    if _pair(conv.dilation) != (1, 1):
        said = f"it is dilated by {conv.dilation}"
    elif any(side % 2 == 0 for side in kernel_size):
        said = f"its kernel of {kernel_size[0]} x {kernel_size[1]} has an even side"
    elif getattr(conv, "padding_mode", "zeros") != "zeros":
        said = f"its padding mode is {conv.padding_mode!r} and not zeros"
    else:
        named = {"valid": (0, 0), "same": tuple((side - 1) // 2 for side in kernel_size)}
        padding = named[conv.padding] if isinstance(conv.padding, str) else _pair(conv.padding)
        if all(zeros < side for zeros, side in zip(padding, kernel_size, strict=True)):
            return padding
        said = (
            f"its padding of {padding[0]} x {padding[1]} is not below its kernel of {kernel_size[0]} x {kernel_size[1]}"
        )
    raise InputError(f"{said}, of which convolutional normalisation has no form")
