"""Penalties on high frequencies of kernels: of DCT coefficients (Lukasik et al., TMLR 2023), and on rough kernels."""

import math
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from filterfreq.models.surgery.decomposition import DCTConv2d
from filterfreq.runtime.errors import InputError, unknown_name
from filterfreq.training import orthogonality
from filterfreq.training.intervention import Intervention

DCT_KINDS = ("highest", "all", "highest+diff", "all+diff", "diff_all")
KINDS = (*DCT_KINDS, "smooth", "orthogonal")
LAYERS = ("all", "half", "third", "first")
"""Which of L layers count: all, the first L // 2 + 1, the first L // 3 + 1 (at most L), or the first alone."""


def intervention(settings: Mapping[str, Any]) -> Intervention:
    """Return the intervention that adds the penalty of these settings: `kind`, `strength` and `layers`."""
    if settings["kind"] == "orthogonal":
        return orthogonality.intervention(settings)
    if settings["kind"] == "smooth":
        rest = {key: value for key, value in settings.items() if key != "kind"}
        return Intervention(penalty=partial(smoothness_penalty, **rest))
    return Intervention(penalty=partial(frequency_penalty, **settings))


def smoothness_penalty(model: nn.Module, strength: float, layers: str) -> Tensor:
    """Return `strength` times the squared differences of neighbouring weights in the kernels of the first layers.

    Of each plane W of a kernel, between one input and one output channel, the sum of (W[i, j] - W[i + 1, j])^2 and
    (W[i, j] - W[i, j + 1])^2, added up over planes and layers. In orthonormal DCT coefficients c of n x n' values this
    is the sum of (4 sin^2(pi k / 2n) + 4 sin^2(pi l / 2n')) c[k, l]^2: a penalty on high frequencies. In the spirit of
    Wang, Wu, Huang, Yin and Xing, Smooth Kernels Improve Adversarial Robustness and Perceptually-Aligned Gradients
    (2019), whose formula was not at hand; this one is ours.

    Of the convolutions that have a side above 1, in module order, those count that `LAYERS` says. Of DCT layers the
    composed kernels count.

    Args:
        model: with or without DCT layers.
        strength: the factor lambda, finite and at least 0.
        layers: one of `LAYERS`.

    Returns:
        A scalar tensor, at least 0, to be added to the loss.

    Raises:
        InputError: a wrong strength, unknown layers, or a model without a convolution that has a side above 1.
    """
    _check_settings(strength, layers)
    convolutions = [
        module
        for module in model.modules()
        if isinstance(module, nn.Conv2d | DCTConv2d) and max(module.kernel_size) > 1
    ]
    if not convolutions:
        raise InputError(
            "the penalty 'smooth' needs a kernel larger than 1 x 1 and the model has none: leave it out, or take "
            "another model"
        )
    kernels = [
        layer.composed_weight() if isinstance(layer, DCTConv2d) else layer.weight
        for layer in _first_layers(convolutions, layers)
    ]
    return strength * sum(kernel.diff(dim=axis).square().sum() for kernel in kernels for axis in (2, 3))


def frequency_penalty(model: nn.Module, kind: str, strength: float, layers: str) -> Tensor:
    """Return `strength` times the sum of the penalty terms of the model's first DCT layers.

    Lukasik et al., TMLR 2023, as the released code computes it. With `n[i, j] = ||c[:, :, i, j]||_F` of one layer with
    N x N kernels, over all its channels:

    - `highest`: sum of max(i, j) n[i, j] over max(i, j) > N/2;
    - `all`: sum of (i^2 + j^2) n[i, j] over all but the lowest frequencies, those with max(i, j) < (N - 1)/2;
    - `highest+diff`, `all+diff`: the same plus the sum of max(0, n[i, j] - n[0, 0]) over (0, 1), (1, 0), (1, 1);
    - `diff_all`: sum of max(0, b - a) over all pairs of a norm a with i + j = p - 1 and a norm b with i + j = p.

    The released code has 3 x 3 and 5 x 5 kernels; these rules give its terms for both, and serve any other odd N.

    Of the DCT layers in module order, those count that `LAYERS` says.

    Args:
        model: a model with DCT layers.
        kind: one of `DCT_KINDS`.
        strength: the factor lambda, finite and at least 0.
        layers: one of `LAYERS`.

    Returns:
        A scalar tensor, at least 0, to be added to the loss; where a norm is 0, its gradient is 0.

    Raises:
        InputError: an unknown kind, strength or layers, or a model without DCT layers.
    """
    if kind not in DCT_KINDS:
        raise unknown_name("penalty kind", kind, DCT_KINDS)
    _check_settings(strength, layers)
    dct_layers = [module for module in model.modules() if isinstance(module, DCTConv2d)]
    if not dct_layers:
        raise InputError("the frequency penalty needs DCT layers and the model has none: decompose it first")
    coefficients = [layer.coefficients for layer in _first_layers(dct_layers, layers)]
    sizes = dict.fromkeys(tensor.shape[-1] for tensor in coefficients)
    by_size = ([tensor for tensor in coefficients if tensor.shape[-1] == size] for size in sizes)
    return strength * sum(_terms(_Norms.apply(*tensors), kind).sum() for tensors in by_size)


def _check_settings(strength: float, layers: str) -> None:
    if not math.isfinite(strength) or strength < 0:
        raise InputError(f"the penalty strength is {strength}: give a finite number of at least 0")
    if layers not in LAYERS:
        raise unknown_name("layers of the penalty", layers, LAYERS)


def _first_layers(found: list, layers: str) -> list:
    counts = {"all": len(found), "half": len(found) // 2 + 1, "third": len(found) // 3 + 1, "first": 1}
    return found[: counts[layers]]


class _Norms(torch.autograd.Function):
    """The norms n[i, j] of several layers with kernels of one size, and a gradient that takes one pass over each layer.

    Autograd's own gradient of a vector norm takes three passes.
    """

    @staticmethod
    def forward(ctx, *coefficients: Tensor) -> Tensor:
        """Map L tensors [O, I, N, N] to norms [L, N * N]."""
        norm = torch.linalg.vector_norm
        # One axis after the other is ten times faster in the channels_last memory format, which training uses.
        norms = torch.stack([norm(norm(tensor, dim=1), dim=0).flatten() for tensor in coefficients])
        ctx.save_for_backward(norms, *coefficients)
        return norms

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, ...]:
        """Map the gradient [L, N * N] to those of the coefficients: c / n, and 0 where a norm is 0."""
        norms, *coefficients = ctx.saved_tensors
        factors = torch.where(norms > 0, gradient / norms, 0)
        return tuple(
            tensor * factor.view(tensor.shape[2:]) for tensor, factor in zip(coefficients, factors, strict=True)
        )


def _terms(norms: Tensor, kind: str) -> Tensor:
    """Return the penalty's terms of layers with norms [L, N * N]; their sum is the penalty."""
    size = math.isqrt(norms.shape[1])
    if kind == "diff_all":
        lower, higher = _neighbours(size, norms.device)
        return torch.relu(norms[:, higher] - norms[:, lower])
    base, _, diff = kind.partition("+")
    terms = norms * _weights(base, size, norms.device, norms.dtype)
    if diff and size > 1:
        # (0, 1), (1, 0) and (1, 1) of the flattened N x N norms
        lowest = norms[:, [1, size, size + 1]]
        terms = torch.cat([terms, torch.relu(lowest - norms[:, :1])], dim=1)
    return terms


# The constants are cached on their device, so that a training step copies nothing there. They are ordinary tensors even
# when the first call is in inference mode: autograd could not use the others later.
@lru_cache
@torch.inference_mode(False)
def _weights(base: str, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return the factor of each of the size^2 norms for the kinds `highest` and `all`."""
    frequency = torch.arange(size)
    larger = torch.maximum(frequency[:, None], frequency)
    if base == "highest":
        weights = larger * (larger > size / 2)
    else:
        weights = (frequency[:, None] ** 2 + frequency**2) * (larger >= (size - 1) / 2)
    return weights.flatten().to(device, dtype)


@lru_cache
@torch.inference_mode(False)
def _neighbours(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the indices (a, b) of all pairs of norms on neighbouring antidiagonals, b on the higher one."""
    antidiagonal = (torch.arange(size)[:, None] + torch.arange(size)).flatten()
    lower, higher = torch.nonzero(antidiagonal[:, None] + 1 == antidiagonal, as_tuple=True)
    return lower.to(device), higher.to(device)
