"""Accuracy on test images of which only low or only high frequencies are left."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.accuracy import inference
from filterfreq.evaluation.results import format_parameter, fraction
from filterfreq.runtime.errors import InputError, unknown

PASSES: tuple[str, ...] = ("low", "high")


def frequency_mask(height: int, width: int, kind: str, radius: float, keep_mean: bool = False) -> torch.Tensor:
    """Return which frequencies of an image pass a centred disc, or its outside.

    The low-pass keeps the frequencies (u, v), in cycles per image, with sqrt(u^2 + v^2) < radius, the high-pass all
    others: without `keep_mean` the two add up to the image. Wang, Wu, Huang, Xing, High-Frequency Component Helps
    Explain the Generalization of Convolutional Neural Networks, CVPR 2020; strictly less as in their code, where the
    paper has "at most". From a radius above sqrt(height^2 + width^2) / 2 on, the low-pass keeps everything.

    Args:
        height: pixels.
        width: pixels.
        kind: "low" or "high".
        radius: of the disc, in cycles per image, above 0.
        keep_mean: let the high-pass keep the frequency (0, 0) too, which is each channel's mean.

    Returns:
        bool, height x (width // 2 + 1), in the layout of `torch.fft.rfft2`.

    Raises:
        InputError: an unknown kind, or a radius that is not above 0.
    """
    if kind not in PASSES:
        raise unknown("pass", kind, PASSES)
    if not radius > 0:
        raise InputError(f"the radius {radius} of a frequency filter is not above 0: give cycles per image")
    # Whole numbers, so that what lies on the circle is decided exactly.
    vertical = (torch.fft.fftfreq(height, dtype=torch.float64) * height).round()
    horizontal = (torch.fft.rfftfreq(width, dtype=torch.float64) * width).round()
    inside = vertical[:, None] ** 2 + horizontal[None] ** 2 < radius**2
    if kind == "low":
        return inside
    outside = ~inside
    outside[0, 0] = keep_mean
    return outside


def filter_frequencies(images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return images without the frequencies that a mask leaves out, each channel by itself.

    Args:
        images: float, N x C x H x W.
        mask: bool, H x (W // 2 + 1), see `frequency_mask`.

    Returns:
        Like `images`; values may leave the range of the images.
    """
    spectrum = torch.fft.rfft2(images) * mask.to(images.device)
    return torch.fft.irfft2(spectrum, s=images.shape[-2:])


def evaluate_frequency_filtered(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    radii: Mapping[str, Sequence[float]],
    batch_size: int,
    device: torch.device | str,
    keep_mean: bool = True,
    clip: bool = True,
) -> list[dict[str, Any]]:
    """Measure the accuracy on low-passed and high-passed test images, the suite `frequency_filtered`.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        labels: int64, N.
        radii: the radii of each kind of filter, "low" and "high", in cycles per image, above 0.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute.
        keep_mean: let the high-pass keep each channel's mean. Without it half of the values are negative, where
            `clip` leaves nothing of them.
        clip: clip the filtered images to [0, 1], the range of all images a classifier sees. Wang et al. (2020) do
            neither this nor keep the mean.

    Returns:
        One row per filter and radius.

    Raises:
        InputError: an unknown kind of filter, or a radius that is not above 0.
    """
    height, width = images.shape[1:3]
    filters = [(kind, radius) for kind, its_radii in radii.items() for radius in its_radii]
    masks = [frequency_mask(height, width, kind, radius, keep_mean) for kind, radius in filters]
    correct = torch.zeros(len(filters), dtype=torch.int64, device=device)
    with inference(model, device), torch.no_grad():
        for start in range(0, len(labels), batch_size):
            batch = slice(start, start + batch_size)
            whole, truth = to_images(images[batch], device), torch.from_numpy(np.array(labels[batch])).to(device)
            for place, mask in enumerate(masks):
                filtered = filter_frequencies(whole, mask)
                predictions = model(filtered.clamp(0, 1) if clip else filtered).argmax(dim=1)
                correct[place] += (predictions == truth).sum()
    return [
        fraction("accuracy", format_parameter(**{"pass": kind, "radius": f"{radius:g}"}), count, len(labels))
        for (kind, radius), count in zip(filters, correct.tolist(), strict=True)
    ]
