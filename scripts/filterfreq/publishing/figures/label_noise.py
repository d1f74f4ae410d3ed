"""Accuracy on clean test images of *{dataset}*, against the share of training labels that are changed.

Symmetric noise draws labels from all classes, the true one included; asymmetric noise takes a class for another one.
Without noise are variants that train with the labels of the data set. Lines are means over seeds, bands reach from the
lowest to the highest seed.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from filterfreq.publishing.registry import Product
from filterfreq.publishing.setting_panels import draw_setting

PRODUCT = Product(
    title="Label noise",
    needs=["clean"],
    takes=["labels", "label_noises", "style_numbers"],
    when="label_noise_swept",
)


def draw(
    results: pd.DataFrame,
    labels: dict[str, str],
    label_noises: Mapping[str, Mapping[str, Any]],
    style_numbers: Mapping[str, int] | None = None,
) -> Figure:
    """Draw accuracy against the rate of label noise, a line for each method, a panel for each kind of noise.

    Args:
        results: as in `draw_setting`, which raises too.
        labels: likewise.
        label_noises: of every variant with label noise its `noise`, `rate`, `flips` where it has them, and `beside`, as
            `filterfreq.study.study.Study.data_settings` returns them.
        style_numbers: as in `draw_setting`.
    """
    points = {
        name: {"value": one["rate"], "kind": _kind(one), "beside": one["beside"]} for name, one in label_noises.items()
    }
    return draw_setting(results, labels, points, 0, "label noise", style_numbers)


def _kind(settings: Mapping[str, Any]) -> str:
    released = settings.get("flips") == "released"
    return f"{settings['noise']} noise" + (", flips as released" if released else "")
