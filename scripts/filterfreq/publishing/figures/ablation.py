"""Accuracy against the strength of the frequency penalty, a line for each choice of layers.

Panels: clean images; the last FGSM or PGD attack of each norm that the config lists, at the main table's epsilon; and
corrupted images. Lines are means over seeds, bands reach from the lowest to the highest seed.
Horizontal lines are the variants without a penalty.
"""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from filterfreq.publishing.penalty_panels import draw_penalties
from filterfreq.publishing.registry import Product

PRODUCT = Product(
    title="Strength and layers of the penalty",
    needs=["clean"],
    adds=["adversarial", "corruption"],
    takes=["labels", "penalties", "epsilons", "style_numbers"],
    when="strength_or_layers_swept",
)


def draw(
    results: pd.DataFrame,
    labels: dict[str, str],
    penalties: Mapping[str, Mapping],
    epsilons: Mapping[str, str] | None = None,
    style_numbers: Mapping[str, int] | None = None,
) -> Figure:
    """Draw accuracy against the penalty's strength, or its layers where all have one strength.

    Arguments and errors are those of `draw_penalties`.
    """
    return draw_penalties(results, labels, penalties, epsilons=epsilons, style_numbers=style_numbers)
