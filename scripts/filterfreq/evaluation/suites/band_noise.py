"""The suite `band_noise`: accuracy on test images with Gaussian noise of some frequencies alone, of one norm.

Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier Perspective on Model Robustness in Computer Vision, NeurIPS 2019,
Figure 5.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import batches, inference
from filterfreq.evaluation.results import format_parameter, fraction, quantity
from filterfreq.frequencies.bands import check_norm
from filterfreq.frequencies.masks import bandwidth_mask, filter_frequencies

_SEED = 1  # of the noise, which is the same for all models


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model."""
    return evaluate_band_noise(
        job.classifier, job.images, job.labels, job.batch_size, job.device, **job.settings_beside_images
    )


def evaluate_band_noise(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    device: torch.device | str,
    norm: float,
    bandwidths: Mapping[str, Sequence[int]],
    clip: bool = True,
) -> list[dict[str, Any]]:
    """Measure the accuracy on images plus noise of each band of frequencies.

    Noise is drawn once for each image, the same for all bands and models, filtered, and scaled to the norm in each
    channel; it is added to images in [0, 1], before the model's own normalisation.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        labels: int64, N.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute.
        norm: the L2 norm of the noise of a channel, above 0.
        bandwidths: of each kind of filter, see `filterfreq.frequencies.masks.bandwidth_mask`.
        clip: clip images with noise to [0, 1], which shortens the noise.

    Returns:
        For each filter and bandwidth a row of the accuracy, and one of the norm of the noise that is left after
        clipping, the mean over images and channels; the bandwidth 0 stands for no noise.

    Raises:
        InputError: the norm is not above 0, the filter is unknown, or a bandwidth is even, not above 0, or leaves no
            frequency.
    """
    check_norm(norm)
    height, width, channels = images.shape[1:]
    bands = [(kind, bandwidth) for kind, its_bandwidths in bandwidths.items() for bandwidth in its_bandwidths]
    masks = [bandwidth_mask(height, width, kind, bandwidth) for kind, bandwidth in bands]
    clean, correct, left = 0, torch.zeros(len(bands), dtype=torch.int64), torch.zeros(len(bands), dtype=torch.float64)
    with inference(model, device), torch.no_grad():
        for batch in batches(len(labels), batch_size, model):
            shown, truth = to_images(images[batch], device), torch.from_numpy(np.array(labels[batch])).to(device)
            clean += int((model(shown).argmax(dim=1) == truth).sum())
            numbers = range(batch.start, batch.stop)
            noise = torch.from_numpy(np.stack([_draw_noise(number, (channels, height, width)) for number in numbers]))
            for number, mask in enumerate(masks):
                filtered = filter_frequencies(noise, mask)
                filtered *= norm / filtered.flatten(2).norm(dim=2)[:, :, None, None]
                changed = shown + filtered.to(device, shown.dtype)
                if clip:
                    changed.clamp_(0, 1)
                correct[number] += (model(changed).argmax(dim=1) == truth).sum().cpu()
                left[number] += (changed - shown).flatten(2).norm(dim=2).mean(dim=1).sum(dtype=torch.float64).cpu()
    rows = [
        fraction("accuracy", format_parameter(band=kind, bandwidth=0, l2_norm=f"{norm:g}"), clean, len(labels))
        for kind in bandwidths
    ]
    for (kind, bandwidth), count, total in zip(bands, correct.tolist(), left.tolist(), strict=True):
        parameter = format_parameter(band=kind, bandwidth=bandwidth, l2_norm=f"{norm:g}")
        rows.append(fraction("accuracy", parameter, count, len(labels)))
        rows.append(quantity("norm_of_change", parameter, total / len(labels), len(labels)))
    return rows


def _draw_noise(image: int, shape: tuple[int, ...]) -> np.ndarray:
    """The noise of an image by its number: it does not depend on how many images there are."""
    return np.random.default_rng([_SEED, image]).standard_normal(shape, dtype=np.float32)
