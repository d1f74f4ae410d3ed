"""Accuracy on test images of *{dataset}*, against the share of the training images that is trained on.

Of each class as large a share is taken, of one random order for each seed. Lines are means over seeds, bands reach from
the lowest to the highest seed.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from filterfreq.publishing.registry import Product
from filterfreq.publishing.setting_panels import draw_setting

PRODUCT = Product(
    title="Fractions of the training images",
    needs=["clean"],
    takes=["labels", "data_fractions", "style_numbers"],
    when="data_fraction_swept",
)


def draw(
    results: pd.DataFrame,
    labels: dict[str, str],
    data_fractions: Mapping[str, Mapping[str, Any]],
    style_numbers: Mapping[str, int] | None = None,
) -> Figure:
    """Draw accuracy against the fraction of the training images, a line for each method.

    Args:
        results: as in `draw_setting`, which raises too.
        labels: likewise.
        data_fractions: of every variant that trains on a part of the images its `fraction` and `beside`, as
            `filterfreq.study.study.Study.data_settings` returns them.
        style_numbers: as in `draw_setting`.
    """
    points = {
        name: {"value": one["fraction"], "kind": "", "beside": one["beside"]} for name, one in data_fractions.items()
    }
    return draw_setting(results, labels, points, 1, "share of the training images", style_numbers, log=True)
