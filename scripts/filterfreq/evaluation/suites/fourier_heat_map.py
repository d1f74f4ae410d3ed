"""The suite `fourier_heat_map`: the error on test images to which one spatial frequency is added, for each frequency.

Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier Perspective on Model Robustness in Computer Vision, NeurIPS 2019,
Figures 3 and 4.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.basis_changes import add_basis_vector, draw_signs
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import batches, inference
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.results import format_parameter, fraction, quantity
from filterfreq.frequencies.bands import check_norm
from filterfreq.frequencies.pairs import distinct_frequencies
from filterfreq.runtime.errors import InputError, unknown_name

_LAYER_KEY = "evaluation.fourier_heat_map.layer"


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model."""
    return evaluate_heat_map(
        job.classifier,
        job.images,
        job.labels,
        job.batch_size,
        job.device,
        progress=job.progress,
        **job.settings_beside_images,
    )


def evaluate_heat_map(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    device: torch.device | str,
    norm: float,
    highest_frequency: int | None = None,
    clip: bool = True,
    layer: str | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Measure the error on images plus a Fourier basis vector, for one frequency of each mirrored pair.

    Images are those of `filterfreq.evaluation.basis_changes`, the same for all models: maps are paired. The norm is
    that of a channel, so that an image of three channels moves by sqrt(3) of it.

    Args:
        model: a classifier.
        images: uint8, N x H x W x C.
        labels: int64, N.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute.
        norm: the L2 norm of the change of a channel, above 0.
        highest_frequency: measure the square |u|, |v| up to this alone; all frequencies unless given.
        clip: clip the changed images to [0, 1], which shortens the change.
        layer: the name of a module whose output's change is measured too, ||z(X') - z(X)||_2: a tensor with a row for
            each image; of a module that runs several times the last.
        progress: keeps each batch's counts.

    Returns:
        For each frequency a row of the error, of the norm of the change that is left after clipping, the mean over
        images and channels, and with `layer` of the mean change of its output.

    Raises:
        InputError: the norm is not above 0, the square is larger than the spectrum, or the model has no such layer, or
            one that never runs or whose output is something else.
    """
    check_norm(norm)
    frequencies = distinct_frequencies(*images.shape[1:3], highest_frequency)
    signs = draw_signs(len(labels), images.shape[3])
    progress = progress or Progress()
    with inference(model, device), torch.no_grad(), _output_of(model, layer) as output:
        sums = np.zeros((len(frequencies), 3))
        for batch in batches(len(labels), batch_size, model):

            def measure(batch: slice = batch) -> np.ndarray:
                shown = to_images(images[batch], device)
                truth = torch.from_numpy(np.array(labels[batch])).to(device)
                unchanged = None
                if layer is not None:
                    model(shown)
                    if not output:
                        raise InputError(f"{_LAYER_KEY}: {layer!r} never runs, name a layer that classifies images")
                    unchanged = output[0]
                found = []
                for frequency in frequencies:
                    changed = add_basis_vector(shown, signs[batch], frequency, norm, clip)
                    found.append((model(changed).argmax(dim=1) != truth).sum())
                    found.append(_sum_of_norms((changed - shown).flatten(2)) / shown.shape[1])
                    found.append(
                        _sum_of_norms((output[0] - unchanged).flatten(1)) if layer is not None else found[0] * 0
                    )
                return torch.stack([one.double() for one in found]).cpu().numpy()

            sums += progress.numbers(f"from {batch.start}", measure).reshape(sums.shape)
    rows = []
    for (u, v), (wrong, change, layer_change) in zip(frequencies, sums, strict=True):
        parameter = format_parameter(l2_norm=f"{norm:g}", u=u, v=v)
        rows.append(fraction("error", parameter, round(wrong), len(labels)))
        rows.append(quantity("norm_of_change", parameter, change / len(labels), len(labels)))
        if layer is not None:
            rows.append(quantity("layer_change", f"{parameter};layer={layer}", layer_change / len(labels), len(labels)))
    return rows


def _sum_of_norms(differences: torch.Tensor) -> torch.Tensor:
    """The sum of the L2 norms along the last dimension."""
    return differences.norm(dim=-1).sum(dtype=torch.float64)


@contextmanager
def _output_of(model: nn.Module, layer: str | None) -> Iterator[list[torch.Tensor]]:
    """Keep the output of a layer at each pass: a list with the last one."""
    kept: list[torch.Tensor] = []
    if layer is None:
        yield kept
        return
    layers = {name: module for name, module in model.named_modules() if name}
    if layer not in layers:
        raise InputError(f"{_LAYER_KEY}: {unknown_name('layer', layer, layers)}")

    def keep(module: nn.Module, inputs: object, output: object) -> None:
        if not isinstance(output, torch.Tensor) or output.dim() < 2:
            raise InputError(
                f"{_LAYER_KEY}: {layer!r} has another output than one tensor with a row for each image, name a layer "
                "that has one"
            )
        # What comes next, as a ReLU, may overwrite it.
        kept[:] = [output.clone()]

    handle = layers[layer].register_forward_hook(keep)
    try:
        yield kept
    finally:
        handle.remove()
