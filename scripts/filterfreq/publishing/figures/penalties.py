"""Accuracy by the kind of the frequency penalty.

Panels: clean images; the last FGSM or PGD attack of each norm that the config lists, at the main table's epsilon; and
corrupted images. Markers are means over seeds, bars and bands reach from the lowest to the
highest seed. Horizontal lines are the variants without a penalty.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from filterfreq.publishing.penalty_panels import draw_penalties
from filterfreq.publishing.registry import Product

PRODUCT = Product(
    title="Kinds of penalty",
    needs=["clean"],
    adds=["adversarial", "corruption"],
    takes=["labels", "penalties", "epsilons", "style_numbers"],
    when="kind_swept",
)


def draw(
    results: pd.DataFrame,
    labels: dict[str, str],
    penalties: Mapping[str, Mapping],
    epsilons: Mapping[str, str] | None = None,
    style_numbers: Mapping[str, int] | None = None,
) -> Figure:
    """Draw accuracy by the penalty's kind.

    Arguments and errors are those of `draw_penalties`.
    """
    return draw_penalties(results, labels, penalties, along="kind", epsilons=epsilons, style_numbers=style_numbers)
