"""Strided 1 x 1 convolutions of few channels in a form that a CPU computes without a fault."""

from functools import partial

from torch import Tensor, nn

# The most channels that oneDNN's kernels take at once.
_BLOCK = 16


def subsample_pointwise(model: nn.Module) -> nn.Module:
    """Give narrow strided 1 x 1 convolutions of a model the pixels that they use, and stride 1; in place.

    It is the same map: a 1 x 1 convolution with stride s sees every s-th row and column alone. By itself oneDNN 3.12,
    which torch 2.13 has for CPUs, writes past its workspace when it computes the gradient of such weights for images in
    the channels_last memory format, if there are fewer channels than its kernels take at once: 16 with AVX-512, 8 with
    AVX2 (oneDNN's issue 6035). The process dies, hangs, or goes on with wrong numbers. Forward passes, gradients by the
    image, more channels, groups, padding and larger kernels are not concerned, and such layers are left alone.

    Args:
        model: any model that is to be trained on a CPU; the names and shapes of its parameters stay as they are.

    Returns:
        The model.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d) and _is_concerned(layer):
            layer.register_forward_pre_hook(partial(_subsample, layer.stride))
            layer.stride = (1, 1)
    return model


def _is_concerned(layer: nn.Conv2d) -> bool:
    strided_pointwise = layer.kernel_size == (1, 1) and layer.stride != (1, 1) and layer.padding in ((0, 0), "valid")
    return strided_pointwise and layer.groups == 1 and layer.in_channels < _BLOCK


def _subsample(stride: tuple[int, int], _layer: nn.Module, inputs: tuple[Tensor]) -> Tensor:
    down, right = stride
    return inputs[0][..., ::down, ::right]
