"""The suite `frequency_filtered`: accuracy on images of which only low or only high frequencies are left.

As a control also on images of which the largest singular values are left, or the others; and the share of images that
are right from their high component alone.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.batches import to_images
from filterfreq.evaluation.components import ComponentViews, common_radii, only_high_flags
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.prediction import batches, inference
from filterfreq.evaluation.progress import Progress
from filterfreq.evaluation.results import format_parameter, fraction
from filterfreq.frequencies.masks import PASSES

Rows = list[dict[str, Any]]


def run(job: SuiteJob) -> Rows:
    """Return the rows of one model, of each split that the settings ask for."""
    return run_snapshots([job], Progress())[0]


def run_snapshots(jobs: Sequence[SuiteJob], progress: Progress) -> list[Rows]:
    """Return the rows of each of several models of one run, to which every component is shown as soon as it is made."""
    first, rows = jobs[0], [[] for _ in jobs]
    settings = {key: value for key, value in first.settings_beside_images.items() if key != "split"}
    for split in first.settings.get("split", [None]):
        found = evaluate_models(
            [job.classifier for job in jobs],
            first.images_of(split or "test"),
            first.labels_of(split or "test"),
            batch_size=first.batch_size,
            device=first.device,
            split=split,
            progress=progress,
            **settings,
        )
        for own, of_split in zip(rows, found, strict=True):
            own += of_split
    return rows


def evaluate_frequency_filtered(model: nn.Module, *shown: Any, **settings: Any) -> Rows:
    """Return the rows of one model, as `evaluate_models` measures several."""
    return evaluate_models([model], *shown, **settings)[0]


def evaluate_models(
    models: Sequence[nn.Module],
    images: np.ndarray,
    labels: np.ndarray,
    radii: Mapping[str, Sequence[float]],
    batch_size: int,
    device: torch.device | str,
    keep_mean: bool | None = None,
    clip: bool | None = None,
    mask: str | None = None,
    rescale: str | None = None,
    svd: Sequence[int] = (),
    only_high: bool = False,
    split: str | None = None,
    progress: Progress | None = None,
) -> list[Rows]:
    """Measure the accuracy on components of images, each of which is made once for all models.

    Args:
        models: classifiers.
        images: uint8, N x H x W x C.
        labels: int64, N.
        radii: the radii of each kind of filter, "low" and "high", in cycles per image, above 0.
        batch_size: images at a time; matters to memory and speed alone.
        device: where to compute.
        keep_mean: let the high-pass keep each channel's mean; None: unless `rescale` is "released". Without it half of
            the values are negative, where `clip` leaves nothing of them.
        clip: clip the filtered images to [0, 1], the range of all images a classifier sees; None: unless `rescale` is
            "released". Wang et al. (2020) do neither this nor keep the mean.
        mask: "strict" or "non_strict", see `filterfreq.frequencies.masks.frequency_mask`.
        rescale: "none", or "released" for `filterfreq.frequencies.components.rescale_to_maximum`.
        svd: the ranks of a control, see `filterfreq.frequencies.components.singular_parts`.
        only_high: whether to measure which images are right as they are and from the high component, and wrong from
            the low one.
        split: of which split the images are. It, `mask` and `rescale` are in the parameters of the rows where they are
            given; "test", "strict" and "none" hold where they are not.
        progress: keeps the counts of each finished batch; nothing is kept unless given.

    Returns:
        For each model one row of `accuracy` per filter and radius, one of `svd_accuracy` per rank and part, and with
        `only_high` one of that share of all images per radius of both filters.

    Raises:
        InputError: see `ComponentViews`.
    """
    both = common_radii(radii) if only_high else []
    views = ComponentViews(
        *images.shape[1:3], radii, svd, mask or "strict", rescale or "none", keep_mean=keep_mean, clip=clip
    )
    progress = progress or Progress()

    def count_images(batch: slice) -> np.ndarray:
        """Images of a batch that are right, and those that are so from the high component alone: rows x models."""
        whole, truth = to_images(images[batch], device), torch.from_numpy(np.array(labels[batch])).to(device)
        shown = chain([whole] if both else [], views.make(whole))
        answers = [torch.stack([model(view).argmax(dim=1) for model in models]) for view in shown]
        right = torch.stack(answers) == truth
        counts = [*right[bool(both) :], *(only_high_flags(right, views.names, radius) for radius in both)]
        return torch.stack(counts).sum(dim=-1).flatten().cpu().numpy().astype(np.float64)

    said = {key: value for key, value in {"rescale": rescale, "split": split}.items() if value is not None}
    said_of_disc = ({} if mask is None else {"mask": mask}) | said
    measured = [
        ("accuracy", {"pass": kind, "radius": f"{size:g}", **said_of_disc})
        if kind in PASSES
        else ("svd_accuracy", {"part": kind, "rank": size, **said})
        for kind, size in views.names
    ]
    measured += [("only_high", {"radius": f"{radius:g}", **said_of_disc}) for radius in both]
    counts = np.zeros(len(measured) * len(models))
    with ExitStack() as contexts, torch.no_grad():
        for model in models:
            contexts.enter_context(inference(model, device))
        for batch in batches(len(labels), batch_size, *models):
            name = f"{split or 'test'} images {batch.start}"
            counts += progress.numbers(name, lambda batch=batch: count_images(batch))
    return [
        [
            fraction(metric, format_parameter(**parameter), count, len(labels))
            for (metric, parameter), count in zip(measured, of_model, strict=True)
        ]
        for of_model in counts.reshape(len(measured), len(models)).T
    ]
