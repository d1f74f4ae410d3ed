"""How well a detector finds objects on images and on their low and high components, of detection *{detection}*.

COCO's mean average precision, mAP, is over the thresholds .50 to .95 of the intersection over union, mAP 50 and mAP 75
at one of them, those of small, medium and large objects by their area; all in percent. Better: the share of images with
objects whose image mAP, the mAP of that image alone over the categories on it, is higher than on the image itself.
Claims are tested on the image mAPs, paired by image.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from filterfreq.analysis.claims import score
from filterfreq.evaluation.detection.registry import DETECTION
from filterfreq.evaluation.reading import read_results
from filterfreq.publishing.numbers import interval_text, percent_text
from filterfreq.publishing.registry import Product
from filterfreq.publishing.table import TextTable

PRODUCT = Product(title="Detection", reads="detections", over="detection", takes=["claims_over_images"], note="")

_HEADINGS = {
    "mAP": "mAP",
    "mAP_50": "mAP 50",
    "mAP_75": "mAP 75",
    "mAP_small": "small",
    "mAP_medium": "medium",
    "mAP_large": "large",
    "better_than_original": "better",
}
_MISSING = "–"


def read(files: Any) -> pd.DataFrame:
    """Read the results of one detector.

    Raises:
        InputError: see `filterfreq.evaluation.reading.read_results`.
    """
    return read_results([files.results], suite="detection", known=DETECTION)


def tabulate(results: pd.DataFrame, claims_over_images: Mapping[str, Mapping[str, Any]]) -> TextTable:
    """Show each pass in a row, and what was measured in columns; the caption says what this says of claims.

    Args:
        results: what `read` returns.
        claims_over_images: by name, see `filterfreq.analysis.claims.score`.
    """
    verdicts = score(results, claims_over_images).to_dict("records") if claims_over_images else []
    results = results[results["metric"] != "image_mAP"]
    values = {parameter: rows.set_index("metric") for parameter, rows in results.groupby("parameter", sort=False)}
    cells = []
    for rows in values.values():
        first = rows.iloc[0]
        measured = [_cell(rows["value"], metric) for metric in _HEADINGS]
        cells.append([pass_label(first["pass"], first["radius"]), *measured])
    shown = pd.DataFrame(cells, columns=["images", *_HEADINGS.values()])
    first, of = results.iloc[0], results[results["metric"] == "mAP"]["n"].iloc[0]
    made = results.dropna(subset="radius").iloc[0]
    caption = (
        f"Detection of objects by {first['model']} on {of:,} images of {first['dataset']}: mean average precision, in "
        "percent, and share of the images with objects that have a higher one on the component than whole. Mask: "
        f"{made['mask']}; rescaled: {made['rescale']}; clipped: {'yes' if made['clip'] == 'true' else 'no'}."
        f"{''.join(map(_verdict_sentences, verdicts))}"
    )
    numbers = results[["pass", "radius", "metric", "value", "n", "ci_low", "ci_high"]]
    return TextTable(numbers, shown, caption, len(_HEADINGS))


def pass_label(kind: str, radius: float) -> str:
    """How a pass is called: "original", or "low, r = 128"."""
    return kind if pd.isna(radius) else f"{kind}, r = {radius:g}"


def _verdict_sentences(score: Mapping[str, Any]) -> str:
    """What a claim says, its verdict, and the mean difference of image mAPs in percentage points."""
    said = f' Claim: "{score["statement"]}" {score["verdict"].capitalize()}'
    if not score["pairs"]:
        return f"{said}."
    interval = interval_text(100 * score["ci_low"], 100 * score["ci_high"], "+.1f")
    return f"{said}: {percent_text(score['effect'], '+.1f')} points {interval} of image mAP, {score['pairs']:,} images."


def _cell(values: Mapping[str, float], metric: str) -> str:
    value = values.get(metric)
    return _MISSING if value is None or pd.isna(value) else percent_text(value)
