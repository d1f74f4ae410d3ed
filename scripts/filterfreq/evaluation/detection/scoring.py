"""How well objects were found: COCO's mean average precision, of all images and of each alone. Imports no torch."""

import contextlib
import io
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from filterfreq.evaluation.detection.registry import DETECTION, Pass, passes
from filterfreq.evaluation.results import check_rows, format_parameter, fraction, quantity

_ORIGINAL = "original"
_SUMMARY = ("mAP", "mAP_50", "mAP_75", "mAP_small", "mAP_medium", "mAP_large")
"""The first of COCO's twelve numbers, in their order."""


def score(
    annotations: Mapping[str, Any], detections: Mapping[str, np.ndarray], settings: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Return the rows of one detector, and the image mAP of each pass.

    Args:
        annotations: as `filterfreq.data.annotations.first_images` returns them.
        detections: by pass, as `filterfreq.evaluation.detection.job.detect` has found them on these images.
        settings: components, mask, rescale and clip.

    Returns:
        The rows, see `filterfreq.evaluation.detection.registry.DETECTION`. And `image_mAP`s, a row for each image that
        has objects, by its number, and a column for each pass.
    """
    truth = index_objects(annotations)
    rows, by_image = [], {}
    shown = passes(settings["components"])
    for one in shown:
        measured = mean_average_precisions(truth, detections[one.name])
        parameter, images = format_parameter(**one.pairs(settings)), len(annotations["images"])
        # Of nothing, where there are no objects of a size.
        rows += [
            quantity(name, parameter, value, 0 if math.isnan(value) else images) for name, value in measured.items()
        ]
        by_image[one.name] = image_precisions(truth, detections[one.name])
    table = pd.DataFrame(by_image).rename_axis("image_id").dropna()
    for one in shown:
        parameters = [format_parameter(image=number, **one.pairs(settings)) for number in table.index]
        rows += [quantity("image_mAP", *row, 1) for row in zip(parameters, table[one.name], strict=True)]
        if one.kind != _ORIGINAL:
            better = int((table[one.name] > table[_ORIGINAL]).sum())
            rows.append(fraction("better_than_original", format_parameter(**one.pairs(settings)), better, len(table)))
    measurement = DETECTION["detection"]
    check_rows(rows, measurement.run, measurement.metrics)
    return rows, table


def mean_average_precisions(truth: COCO, detections: np.ndarray) -> dict[str, float]:
    """Return COCO's mean average precisions by name, by pycocotools.

    At most 100 detections of a category on an image count, those with the highest scores; areas of crowds count neither
    way.

    Args:
        truth: the objects.
        detections: float64, N x 7, with the columns of `filterfreq.evaluation.detection.parts.COLUMNS`.

    Returns:
        In [0, 1]; NaN where there is no object of that size.
    """
    evaluation = COCOeval(truth, _found(truth, detections), "bbox")
    with _silence():
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {name: _number(value) for name, value in zip(_SUMMARY, evaluation.stats, strict=False)}


def image_precisions(truth: COCO, detections: np.ndarray) -> dict[int, float]:
    """Return the image mAP of each image: COCO's mAP of this image alone.

    It is averaged over the categories that have objects on the image, so that what is found of others does not count.
    With it Wang et al. (2020) say that some objects are found better on a component; they do not say how they measured
    it.

    Args:
        truth: the objects.
        detections: as for `mean_average_precisions`.

    Returns:
        By the image's number, in [0, 1]; NaN where the image has no objects.
    """
    evaluation = COCOeval(truth, _found(truth, detections), "bbox")
    of_any_size = evaluation.params.areaRng[:1], evaluation.params.areaRngLbl[:1]
    evaluation.params.areaRng, evaluation.params.areaRngLbl = of_any_size
    evaluation.params.maxDets = evaluation.params.maxDets[-1:]
    precisions = {}
    for number in truth.getImgIds():
        categories = {entry["category_id"] for entry in truth.imgToAnns[number] if not entry["iscrowd"]}
        if not categories:
            precisions[number] = math.nan
            continue
        evaluation.params.imgIds, evaluation.params.catIds = [number], sorted(categories)
        with _silence():
            evaluation.evaluate()
            evaluation.accumulate()
        measured = evaluation.eval["precision"]
        precisions[number] = float(measured[measured > -1].mean())
    return precisions


def better_images(annotations: Mapping[str, Any], image_map: pd.DataFrame, shown: Iterable[Pass]) -> pd.DataFrame:
    """Return the images whose image mAP is higher on a component than on the image itself, best first.

    Args:
        annotations: as for `score`.
        image_map: as `score` returns it.
        shown: the passes.

    Returns:
        A row for each pass and image: pass, radius, image_id, file_name, objects, and the image mAPs `original` and
        `component`.
    """
    names = {image["id"]: image["file_name"] for image in annotations["images"]}
    counts = pd.Series([entry["image_id"] for entry in annotations["annotations"]], dtype="int64").value_counts()
    columns = ["pass", "radius", "image_id", "file_name", "objects", "original", "component"]
    rows: list[list[Any]] = []
    for one in shown:
        pairs = image_map[[_ORIGINAL, one.name]].itertuples(name=None)
        better = sorted((before - after, number, before, after) for number, before, after in pairs if after > before)
        rows += [[*one, number, names[number], counts[number], *both] for _, number, *both in better]
    return pd.DataFrame(rows, columns=columns)


def index_objects(annotations: Mapping[str, Any]) -> COCO:
    """The objects as pycocotools has them; those that say nothing of it are no crowds."""
    truth = COCO()
    objects = [{"iscrowd": 0, **entry} for entry in annotations["annotations"]]
    truth.dataset = {**annotations, "annotations": objects}
    with _silence():
        truth.createIndex()
    return truth


def _found(truth: COCO, detections: np.ndarray) -> COCO:
    with _silence():
        if len(detections):
            return truth.loadRes(detections)
        nothing = COCO()
        nothing.dataset = {**truth.dataset, "annotations": []}
        nothing.createIndex()
    return nothing


def _number(value: float) -> float:
    """What pycocotools gives, which is -1 where nothing was to be found."""
    return math.nan if value < 0 else float(value)


def _silence() -> contextlib.redirect_stdout:
    return contextlib.redirect_stdout(io.StringIO())
