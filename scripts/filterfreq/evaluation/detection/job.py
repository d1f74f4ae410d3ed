"""One job of detection: from images and a detector to what is found in each image and its components."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from filterfreq.data.annotations import ObjectImages
from filterfreq.evaluation.detection.components import component, to_image
from filterfreq.evaluation.detection.parts import Parts
from filterfreq.evaluation.detection.registry import Pass, passes
from filterfreq.evaluation.prediction import inference
from filterfreq.models.detectors import num_categories
from filterfreq.runtime.errors import InputError, StoppedError

_IMAGES_OF_A_PART = 20


@dataclass(frozen=True)
class DetectionJob:
    """What detection needs to know.

    Attributes:
        detector: as `filterfreq.models.detectors.load_detector` returns it.
        settings: components, mask, rescale, clip and batch_size, as the config has them.
        annotations: as `filterfreq.data.annotations.read_annotations` returns them.
        images: where their images lie.
        device: where to compute.
        fingerprint: JSON-ready; identifies detector, images, settings and code.
        parts: the folder where what is found is kept until the job has ended.
        stop: asked before every batch whether to stop.
        announce: takes a line now and then.
    """

    detector: nn.Module
    settings: Mapping[str, Any]
    annotations: Mapping[str, Any]
    images: ObjectImages
    device: torch.device
    fingerprint: Any
    parts: Path
    stop: Callable[[], bool] = lambda: False
    announce: Callable[[str], None] = lambda line: None


class _Lot:
    """What was found on some images and is not kept yet."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.image_ids: list[int] = []
        self.found: dict[str, list[np.ndarray]] = {}

    def keep(self) -> None:
        """Keep it, if there is anything."""
        if self.image_ids:
            self.parts.add(self.image_ids, {name: np.concatenate(rows) for name, rows in self.found.items()})
        self.image_ids, self.found = [], {}


def detect(job: DetectionJob) -> Parts:
    """Have a detector find objects in each image and in each of its components.

    Args:
        job: the detector, the images, and where to keep what is found.

    Returns:
        What was found, all images done.

    Raises:
        InputError: an image cannot be read, a category of the annotations has a number that the detector lacks, or the
            disk is full.
        StoppedError: the job was asked to stop; what was found is kept.
    """
    highest = max(category["id"] for category in job.annotations["categories"])
    if highest >= num_categories(job.detector):
        raise InputError(
            f"the annotations have category {highest}, but the detector's categories are 0 to "
            f"{num_categories(job.detector) - 1}: number the categories as the detector does"
        )
    numbers = {image["file_name"]: image["id"] for image in job.annotations["images"]}
    parts = Parts(job.parts, job.fingerprint, job.announce)
    started_with = len(parts.done)
    size = job.settings["batch_size"]
    left = [name for name, number in numbers.items() if number not in parts.done]
    lot = _Lot(parts)
    with inference(job.detector, job.device), torch.no_grad():
        for batch in _grouped(job.images.read(left), size):
            if job.stop():
                lot.keep()
                raise StoppedError(
                    f"stopped after {len(parts.done)} of {len(numbers)} images, run again to go on from there",
                    progressed=len(parts.done) > started_with,
                )
            image_ids = [numbers[name] for name, _ in batch]
            images = [to_image(pixels, job.device) for _, pixels in batch]
            for shown in passes(job.settings["components"]):
                lot.found.setdefault(shown.name, []).extend(_find(job, images, shown, image_ids))
            lot.image_ids += image_ids
            if len(lot.image_ids) >= _IMAGES_OF_A_PART:
                lot.keep()
                job.announce(f"{len(parts.done)} of {len(numbers)} images")
    lot.keep()
    return parts


def _find(job: DetectionJob, images: list[torch.Tensor], shown: Pass, image_ids: list[int]) -> list[np.ndarray]:
    """What is found in a pass of some images, an array with the columns `parts.COLUMNS` for each."""
    made = {key: job.settings[key] for key in ("mask", "rescale", "clip")}
    outputs = job.detector([component(image, shown, **made) for image in images])
    rows = []
    for number, output in zip(image_ids, outputs, strict=True):
        boxes, scores, labels = (output[key].double().cpu().numpy() for key in ("boxes", "scores", "labels"))
        rows.append(
            np.column_stack([np.full(len(boxes), number), boxes[:, :2], boxes[:, 2:] - boxes[:, :2], scores, labels])
        )
    return rows


def _grouped(values: Iterator, size: int) -> Iterator[list]:
    """Yield lists of so many values, the last one perhaps shorter."""
    group = []
    for value in values:
        group.append(value)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
