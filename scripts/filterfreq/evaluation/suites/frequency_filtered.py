"""The suite `frequency_filtered`: accuracy on test images of which only low or only high frequencies are left."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import inference
from filterfreq.evaluation.progress import Progress
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


def run_snapshots(jobs: Sequence[SuiteJob], progress: Progress) -> list[list[dict[str, Any]]]:
    """Return the rows of each of several models, to which every filtered image is shown as soon as it is made."""
    first = jobs[0]
    return evaluate_models(
        [job.classifier for job in jobs],
        first.images,
        first.labels,
        batch_size=first.batch_size,
        device=first.device,
        progress=progress,
        **first.settings_beside_images,
    )


def evaluate_frequency_filtered(model: nn.Module, *shown: Any, **settings: Any) -> list[dict[str, Any]]:
    """Return the rows of one model, as `evaluate_models` measures several."""
    return evaluate_models([model], *shown, **settings)[0]


def evaluate_models(
    models: Sequence[nn.Module],
    images: np.ndarray,
    labels: np.ndarray,
    radii: Mapping[str, Sequence[float]],
    batch_size: int,
    device: torch.device | str,
    keep_mean: bool = True,
    clip: bool = True,
    progress: Progress | None = None,
) -> list[list[dict[str, Any]]]:
    """Measure the accuracy on low-passed and high-passed test images, each of which is made once for all models.

    Args:
        models: classifiers.
        images: uint8, N x H x W x C.
        labels: int64, N.
        radii: the radii of each kind of filter, "low" and "high", in cycles per image, above 0.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute.
        keep_mean: let the high-pass keep each channel's mean. Without it half of the values are negative, where
            `clip` leaves nothing of them.
        clip: clip the filtered images to [0, 1], the range of all images a classifier sees. Wang et al. (2020) do
            neither this nor keep the mean.
        progress: keeps the correct predictions of each finished batch; nothing is kept unless given.

    Returns:
        For each model one row per filter and radius.

    Raises:
        InputError: an unknown kind of filter, or a radius that is not above 0.
    """
    height, width = images.shape[1:3]
    filters = [(kind, radius) for kind, its_radii in radii.items() for radius in its_radii]
    masks = [frequency_mask(height, width, kind, radius, keep_mean) for kind, radius in filters]
    progress = progress or Progress()

    def count_correct(batch: slice) -> np.ndarray:
        """Correct predictions in a batch, filters x models, flat."""
        whole, truth = to_images(images[batch], device), torch.from_numpy(np.array(labels[batch])).to(device)
        counts = [
            (model(shown).argmax(dim=1) == truth).sum()
            for shown in filtered_images(whole, masks, clip)
            for model in models
        ]
        return torch.stack(counts).cpu().numpy().astype(np.float64)

    correct = np.zeros(len(filters) * len(models))
    with ExitStack() as contexts, torch.no_grad():
        for model in models:
            contexts.enter_context(inference(model, device))
        for start in range(0, len(labels), batch_size):
            batch = slice(start, start + batch_size)
            correct += progress.numbers(f"images {start}", lambda batch=batch: count_correct(batch))
    return [
        [
            fraction("accuracy", format_parameter(**{"pass": kind, "radius": f"{radius:g}"}), count, len(labels))
            for (kind, radius), count in zip(filters, counts, strict=True)
        ]
        for counts in correct.reshape(len(filters), len(models)).T
    ]


def filtered_images(images: torch.Tensor, masks: Sequence[torch.Tensor], clip: bool) -> Iterator[torch.Tensor]:
    """Yield float images, N x C x H x W in [0, 1], as each mask leaves them, clipped to [0, 1] or not."""
    for mask in masks:
        filtered = filter_frequencies(images, mask)
        yield filtered.clamp(0, 1) if clip else filtered
