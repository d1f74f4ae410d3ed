"""The suite `frequency_filtered`: accuracy on test images of which only low or only high frequencies are left."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import inference
from filterfreq.evaluation.results import format_parameter, fraction
from filterfreq.frequencies.masks import filter_frequencies, frequency_mask


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model."""
    return evaluate_frequency_filtered(
        job.classifier,
        job.images,
        job.labels,
        batch_size=job.batch_size,
        device=job.device,
        **job.settings_beside_images,
    )


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
    """Measure the accuracy on low-passed and high-passed test images.

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
            for number, mask in enumerate(masks):
                filtered = filter_frequencies(whole, mask)
                predictions = model(filtered.clamp(0, 1) if clip else filtered).argmax(dim=1)
                correct[number] += (predictions == truth).sum()
    return [
        fraction("accuracy", format_parameter(**{"pass": kind, "radius": f"{radius:g}"}), count, len(labels))
        for (kind, radius), count in zip(filters, correct.tolist(), strict=True)
    ]
