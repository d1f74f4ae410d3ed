"""The suite `frequency_filtered`: accuracy on images of which only low or only high frequencies are left.

As a control also on images of which the largest singular values are left, or the others; and the share of images that
are right from their high component alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.evaluation.components import ComponentViews, answer_views, common_radii, list_only_high
from filterfreq.evaluation.job import SuiteJob
from filterfreq.evaluation.results import format_parameter, fraction
from filterfreq.frequencies.masks import PASSES


def run(job: SuiteJob) -> list[dict[str, Any]]:
    """Return the rows of one model, of each split that the settings ask for."""
    settings = {key: value for key, value in job.settings_beside_images.items() if key != "split"}
    rows = []
    for split in job.settings.get("split", [None]):
        images, labels = job.images_of(split or "test"), job.labels_of(split or "test")
        rows += evaluate_frequency_filtered(
            job.classifier, images, labels, batch_size=job.batch_size, device=job.device, split=split, **settings
        )
    return rows


def evaluate_frequency_filtered(
    model: nn.Module,
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
) -> list[dict[str, Any]]:
    """Measure the accuracy on components of images.

    Args:
        model: a classifier.
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

    Returns:
        One row of `accuracy` per filter and radius, one of `svd_accuracy` per rank and part, and with `only_high` one
        of that share of all images per radius of both filters.

    Raises:
        InputError: see `ComponentViews`.
    """
    both = common_radii(radii) if only_high else []
    views = ComponentViews(
        *images.shape[1:3], radii, svd, mask or "strict", rescale or "none", keep_mean=keep_mean, clip=clip
    )
    answers = answer_views(model, images, views, batch_size, device, original=bool(both))
    said = {key: value for key, value in {"rescale": rescale, "split": split}.items() if value is not None}
    said_of_disc = ({} if mask is None else {"mask": mask}) | said
    rows = []
    for (kind, size), predictions in zip(views.names, answers.predictions[bool(both) :], strict=True):
        correct = (predictions == labels).sum()
        if kind in PASSES:
            parameter = format_parameter(**{"pass": kind, "radius": f"{size:g}"}, **said_of_disc)
            rows.append(fraction("accuracy", parameter, correct, len(labels)))
        else:
            rows.append(fraction("svd_accuracy", format_parameter(part=kind, rank=size, **said), correct, len(labels)))
    if both:
        found = list_only_high(answers, views.names, both, labels)
        for radius in both:
            parameter = format_parameter(radius=f"{radius:g}", **said_of_disc)
            rows.append(fraction("only_high", parameter, (found.radius == radius).sum(), len(labels)))
    return rows
