"""Measures of models of one's own. Images are tensors in [0, 1]; what is measured are pandas frames."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from filterfreq.analysis.filter_statistics import layer_table
from filterfreq.data.batches import to_images
from filterfreq.evaluation.columns import RUN_COLUMNS
from filterfreq.evaluation.corruptions.generation import corrupt_images
from filterfreq.evaluation.filters.layers import read_filter_layers
from filterfreq.evaluation.filters.rows import filter_rows
from filterfreq.evaluation.prediction import predict
from filterfreq.evaluation.reading import spread_parameters
from filterfreq.evaluation.shape_bias import ShapeBias
from filterfreq.evaluation.shape_bias import shape_bias as count_answers
from filterfreq.evaluation.suites.fourier_heat_map import evaluate_heat_map
from filterfreq.frequencies.singular_values import (
    BOUNDARIES,
    circular_norm,
    circular_singular_values,
    zero_padded_norm,
)
from filterfreq.runtime.errors import InputError, unknown_name

_BATCH_SIZE = 250


def fourier_heat_map(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    norm: float,
    highest_frequency: int | None = None,
    batch_size: int = _BATCH_SIZE,
    device: torch.device | str = "cpu",
) -> pd.DataFrame:
    """Measure a model's error on images to which one spatial frequency is added, for one of each mirrored pair.

    Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier Perspective on Model Robustness in Computer Vision, NeurIPS
    2019. Signs of the added waves are drawn for each image and channel, and are the same for all models.

    Args:
        model: images N x C x H x W in [0, 1] to logits.
        images: N x C x H x W in [0, 1], taken as 8 bits, to which they are rounded.
        labels: N whole numbers, the classes.
        norm: the L2 norm of the change of a channel, above 0; what leaves [0, 1] is clipped.
        highest_frequency: measure the square |u|, |v| up to this alone, in cycles per image; all unless given.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute; the model stays there.

    Returns:
        A row for each frequency: `u`, `v` (down and across, in cycles per image), `error` in [0, 1], the ends `ci_low`
        and `ci_high` of its 95 % Wilson interval, and `n`, the number of images.

    Raises:
        InputError: images or labels are something else, the norm is not above 0, or the square is too large.
    """
    stored, truth = _stored_images(images), _stored_labels("labels", labels, len(images))
    rows = evaluate_heat_map(model, stored, truth, batch_size, device, norm, highest_frequency)
    table = spread_parameters(pd.DataFrame(rows))
    errors = table[table["metric"] == "error"].rename(columns={"value": "error"})
    return errors[["u", "v", "error", "ci_low", "ci_high", "n"]].reset_index(drop=True)


def filter_statistics(model: nn.Module, image_size: int, fold_batch_norm: bool = False) -> pd.DataFrame:
    """Measure how diverse, sparse and orthogonal the 3 x 3 filters of a model are, layer by layer.

    Gavrikov, Keuper, Adversarial Robustness through the Lens of Convolutional Filters, CVPR workshops 2022.

    Args:
        model: takes images N x 3 x H x W, on any device; it is left as it is.
        image_size: height and width of its images, in pixels.
        fold_batch_norm: multiply the filters by the scale of the batch normalisation that alone and directly follows.

    Returns:
        A row for each layer, in the order in which an image meets them: `layer`, `conv_depth` (layers before it on the
        longest way), `conv_depth_norm` in [0, 1], `num_filters`, `sparsity` in [0, 1], `variance_entropy`,
        `orthogonality` and further variants, NaN where a layer has none: `filterfreq.evaluation.filters.metrics`.

    Raises:
        InputError: the model has no such layer, does not take such images, or has weights that are not finite.
    """
    layers = read_filter_layers(getattr(model, "backbone", model), image_size, fold_batch_norm)
    rows = filter_rows(layers, "folded" if fold_batch_norm else "separate")
    run = dict.fromkeys(RUN_COLUMNS, "")
    table = layer_table(spread_parameters(pd.DataFrame(rows).assign(**run)))
    return table.drop(columns=[*RUN_COLUMNS, "batch_norm"])


def shape_bias(
    model: nn.Module,
    images: Tensor,
    shapes: Tensor,
    textures: Tensor,
    batch_size: int = _BATCH_SIZE,
    device: torch.device | str = "cpu",
) -> ShapeBias:
    """Count which cue decides a model's answers to images whose shape is of one class and whose texture of another.

    Geirhos et al., ImageNet-trained CNNs are biased towards texture, ICLR 2019.

    Args:
        model: images N x C x H x W in [0, 1] to logits.
        images: N x C x H x W in [0, 1], taken as 8 bits, to which they are rounded.
        shapes: N whole numbers, the class of each image's shape.
        textures: likewise of its texture; where both are the same an image says nothing.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute; the model stays there.

    Returns:
        The counts, and the biases `overall` and `per_category` that follow from them.

    Raises:
        InputError: images or classes are something else.
    """
    stored = _stored_images(images)
    cues = {
        name: _stored_labels(f"{name}s", classes, len(images))
        for name, classes in (("shape", shapes), ("texture", textures))
    }
    return count_answers(pd.DataFrame({"response": predict(model, stored, batch_size, device), **cues}))


def singular_values(layer: nn.Conv2d, height: int, width: int) -> Tensor:
    """Return all singular values of a convolution with a circular boundary, as a linear map of whole images.

    Sedghi, Gupta, Long, The Singular Values of Convolutional Layers, ICLR 2019; exact, also at a stride, see
    `filterfreq.frequencies.singular_values`. `torch.nn.utils.spectral_norm` is another number, the norm of the reshaped
    weights.

    Args:
        layer: whatever it pads with; images are wrapped round. Its bias and its padding say nothing here.
        height: of its images, in pixels, a multiple of the stride.
        width: likewise.

    Returns:
        float64, all of them in falling order.

    Raises:
        InputError: it is no `Conv2d`, the size does not fit, or weights are not finite.
    """
    _check_convolution(layer, height, width)
    options = {"stride": layer.stride, "dilation": layer.dilation, "groups": layer.groups}
    values = circular_singular_values(layer.weight.detach().cpu(), height, width, **options)
    return torch.sort(values.flatten(), descending=True)[0]


def operator_norm(layer: nn.Conv2d, height: int, width: int, boundary: str = "zero") -> float:
    """Return the largest singular value of a convolution as a linear map of whole images: its Lipschitz constant.

    Args:
        layer: with its own stride, dilation and groups.
        height: of its images, in pixels.
        width: likewise.
        boundary: "zero", as the layer pads, or "circular", the image wrapped round.

    Raises:
        InputError: it is no `Conv2d`, another boundary, the size does not fit, or weights are not finite.
    """
    _check_convolution(layer, height, width)
    if boundary not in BOUNDARIES:
        raise unknown_name("boundary", boundary, BOUNDARIES)
    options = {"stride": layer.stride, "dilation": layer.dilation, "groups": layer.groups}
    weight = layer.weight.detach().cpu()
    if boundary == "circular":
        return circular_norm(weight, height, width, **options)
    padding = layer.padding
    if isinstance(padding, str):
        sides = [
            d * (k - 1) if padding == "same" else 0 for d, k in zip(layer.dilation, layer.kernel_size, strict=True)
        ]
        if any(side % 2 for side in sides):
            raise InputError(f"the layer pads with {padding!r} unevenly, by {sides} pixels: pad by a number")
        padding = (sides[0] // 2, sides[1] // 2)
    return zero_padded_norm(weight, height, width, padding=padding, **options)


def corrupt(images: Tensor, corruption: str, seed: int = 0, processes: int = 1) -> Tensor:
    """Corrupt images at each of the five severities.

    Hendrycks, Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, ICLR 2019.

    Args:
        images: N x 3 x H x W in [0, 1], 32 pixels high and wide or more, taken as 8 bits, to which they are rounded.
        corruption: such as "gaussian_noise" or "fog": a name in `filterfreq.evaluation.corruptions.CORRUPTIONS`.
        seed: not negative; with it an image's result depends on its index and its size alone.
        processes: how many work side by side.

    Returns:
        float32, 5 x N x 3 x H x W in [0, 1].

    Raises:
        InputError: an unknown corruption, or images that are something else.
    """
    corrupted = to_images(corrupt_images(_stored_images(images), corruption, seed, processes), "cpu")
    return corrupted.contiguous().unflatten(0, (-1, len(images)))


def _check_convolution(layer: nn.Conv2d, height: int, width: int) -> None:
    if not isinstance(layer, nn.Conv2d):
        raise InputError(f"the layer is a {type(layer).__name__}: give a Conv2d, such as one of model.modules()")
    for name, size in (("height", height), ("width", width)):
        if not isinstance(size, int) or size < 1:
            raise InputError(f"{name} is {size!r}: give the pixels of the layer's images, a whole number above 0")


def _stored_images(images: Tensor) -> np.ndarray:
    """Return images as the workflow stores them: uint8, N x H x W x C."""
    if not isinstance(images, Tensor) or images.dim() != 4 or not images.is_floating_point() or not len(images):
        given = f"{images.dtype} {list(images.shape)}" if isinstance(images, Tensor) else type(images).__name__
        raise InputError(f"the images are {given}: give a tensor N x C x H x W of floats in [0, 1]")
    low, high = (float(value) for value in torch.aminmax(images))
    if not (low >= 0 and high <= 1):
        raise InputError(
            f"the images reach from {low:g} to {high:g}: give values in [0, 1], and normalise in the model"
        )
    return (images.detach().cpu() * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def _stored_labels(name: str, labels: Tensor, count: int) -> np.ndarray:
    """Return classes as the workflow stores them: int64."""
    labels = torch.as_tensor(labels)
    if labels.shape != (count,) or labels.is_floating_point():
        raise InputError(
            f"{name} are {labels.dtype} {list(labels.shape)}: give {count} whole numbers, one for each image"
        )
    return labels.detach().cpu().long().numpy()
