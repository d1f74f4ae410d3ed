"""Images whose objects are found better on a component, with what is found on them, for a figure."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from filterfreq.data.annotations import ObjectImages
from filterfreq.evaluation.detection.components import component, to_image
from filterfreq.evaluation.detection.registry import Pass, passes

SHOWN_SCORE = 0.5
"""The least score of detections that are shown."""

_IMAGES = 3
_LONGER_SIDE = 640  # pixels
_GREY = 0.5


def gather_examples(
    annotations: Mapping[str, Any],
    images: ObjectImages,
    detections: Mapping[str, np.ndarray],
    image_map: pd.DataFrame,
    settings: Mapping[str, Any],
) -> dict[str, np.ndarray]:
    """Return the images whose image mAP rises most, or falls least, from the original to the first component.

    Args:
        annotations: as `filterfreq.data.annotations.first_images` returns them.
        images: where they lie.
        detections: by pass, of these images.
        image_map: as `filterfreq.evaluation.detection.scoring.score` returns it.
        settings: components and mask.

    Returns:
        Of example 0, 1, 2: `0/file_name`; `0/truth`, the boxes of its objects (left, top, width, height and category, M
        x 5); and for each pass `0/low-128/pixels` (uint8, H x W x 3, at most 640 pixels long), `0/low-128/boxes` (what
        is found with a score of at least `SHOWN_SCORE`, highest first: left, top, width, height, category and score, N
        x 6) and `0/low-128/precision`, the image mAP. `passes` are their names in order, `categories` and `names` the
        numbers and names of categories. Low components are clipped to [0, 1]; of high ones 0 is mid grey and their
        largest absolute value black or white.

    Raises:
        InputError: an image cannot be read.
    """
    shown = passes(settings["components"])
    first = shown[1]
    gains = image_map[first.name] - image_map[shown[0].name]
    chosen = list(gains.sort_values(ascending=False, kind="stable").index[:_IMAGES])
    names = {image["id"]: image["file_name"] for image in annotations["images"]}
    pixels = dict(images.read([names[number] for number in chosen]))
    arrays: dict[str, np.ndarray] = {
        "passes": np.array([one.name for one in shown]),
        "categories": np.array([category["id"] for category in annotations["categories"]]),
        "names": np.array([category["name"] for category in annotations["categories"]]),
    }
    for row, number in enumerate(chosen):
        image = pixels[names[number]]
        scale = min(1.0, _LONGER_SIDE / max(image.shape))
        objects = [entry for entry in annotations["annotations"] if entry["image_id"] == number]
        truth = [[*(scale * value for value in entry["bbox"]), entry["category_id"]] for entry in objects]
        arrays |= {f"{row}/file_name": np.array(names[number]), f"{row}/truth": np.array(truth)}
        for one in shown:
            arrays |= {
                f"{row}/{one.name}/pixels": _shrink(_shown_pixels(image, one, settings["mask"]), scale),
                f"{row}/{one.name}/boxes": _boxes(detections[one.name], number, scale),
                f"{row}/{one.name}/precision": np.array(image_map[one.name].loc[number]),
            }
    return arrays


def _shown_pixels(image: np.ndarray, shown: Pass, mask: str) -> np.ndarray:
    """A component as pixels that can be seen, uint8."""
    found = component(to_image(image, "cpu"), shown, mask, rescale="none", clip=False)
    if shown.kind == "high":
        found = _GREY + _GREY * found / found.abs().max().clamp(min=1e-6)
    return (255 * found.clamp(0, 1)).round().byte().permute(1, 2, 0).numpy()


def _shrink(pixels: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return pixels
    height, width = (max(1, round(scale * side)) for side in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))


def _boxes(detections: np.ndarray, number: int, scale: float) -> np.ndarray:
    """What is found on one image, as it is shown: left, top, width, height, category and score."""
    found = detections[(detections[:, 0] == number) & (detections[:, 5] >= SHOWN_SCORE)]
    found = found[np.argsort(-found[:, 5], kind="stable")]
    return np.column_stack([scale * found[:, 1:5], found[:, 6], found[:, 5]])
