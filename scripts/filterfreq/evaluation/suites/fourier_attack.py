"""The suite `fourier_attack`: single Fourier basis vectors as an attack that knows nothing of the model.

Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier Perspective on Model Robustness in Computer Vision, NeurIPS 2019,
Figure 7 (c, d).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.basis_changes import add_basis_vector, draw_signs
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import batches, inference
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.results import format_parameter, fraction
from filterfreq.frequencies.bands import check_norm
from filterfreq.frequencies.pairs import distinct_frequencies


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model."""
    return evaluate_fourier_attack(
        job.classifier,
        job.images,
        job.labels,
        job.batch_size,
        job.device,
        progress=job.progress,
        **job.settings_beside_images,
    )


def evaluate_fourier_attack(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    device: torch.device | str,
    norms: Sequence[float],
    highest_frequency: int | None = None,
    clip: bool = True,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Measure how many images the best single basis vector makes wrong, and how many some vector does.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        labels: int64, N.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute.
        norms: the L2 norms of the change of a channel, above 0.
        highest_frequency: try the square |u|, |v| up to this alone; all frequencies unless given.
        clip: clip the changed images to [0, 1].
        progress: keeps each batch's counts.

    Returns:
        For each norm a row of the error with the one vector that makes most of these images wrong (the first of
        several), with its frequency, and one of the fraction of images that are wrong with at least one vector.

    Raises:
        InputError: a norm is not above 0, or the square is larger than the spectrum.
    """
    for norm in norms:
        check_norm(norm)
    frequencies = distinct_frequencies(*images.shape[1:3], highest_frequency)
    signs = draw_signs(len(labels), images.shape[3])
    progress = progress or Progress()
    rows = []
    with inference(model, device), torch.no_grad():
        for norm in norms:
            # The last count is that of images that some vector makes wrong.
            counts = np.zeros(len(frequencies) + 1)
            for batch in batches(len(labels), batch_size, model):

                def count(norm: float = norm, batch: slice = batch) -> np.ndarray:
                    shown = to_images(images[batch], device)
                    truth = torch.from_numpy(np.array(labels[batch])).to(device)
                    wrong = [
                        model(add_basis_vector(shown, signs[batch], frequency, norm, clip)).argmax(dim=1) != truth
                        for frequency in frequencies
                    ]
                    flags = torch.stack(wrong)
                    return torch.cat([flags.sum(dim=1), flags.any(dim=0).sum()[None]]).double().cpu().numpy()

                counts += progress.numbers(f"norm {norm:g} from {batch.start}", count)
            best = int(counts[:-1].argmax())
            u, v = frequencies[best]
            length = f"{norm:g}"
            best_vector = format_parameter(l2_norm=length, u=u, v=v)
            rows.append(fraction("universal_error", best_vector, round(counts[best]), len(labels)))
            rows.append(fraction("fooled", format_parameter(l2_norm=length), round(counts[-1]), len(labels)))
    return rows
