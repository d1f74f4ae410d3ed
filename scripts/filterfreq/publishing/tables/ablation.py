"""The measures of the main table by strength and layers of the frequency penalty.

Of experiment *{experiment}* on *{dataset}*; the variants without a penalty come first. Mean ± standard deviation over
seeds, in percent.
"""

from collections.abc import Mapping

import pandas as pd

from filterfreq.publishing.penalty_rows import tabulate_penalties
from filterfreq.publishing.registry import Product
from filterfreq.publishing.table import TextTable

PRODUCT = Product(
    title="Strength and layers of the penalty",
    needs=["clean"],
    adds=["adversarial", "autoattack", "corruption", "cue_conflict"],
    takes=["labels", "penalties", "baseline", "epsilons"],
    when="strength_or_layers_swept",
)


def tabulate(
    results: pd.DataFrame,
    labels: dict[str, str],
    penalties: Mapping[str, Mapping],
    baseline: str,
    epsilons: Mapping[str, str] | None = None,
) -> TextTable:
    """Show the measures of `table_main` by strength and layers of the penalty.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        penalties: of every variant with a penalty its settings, see `tabulate_penalties`.
        baseline: the variant whose corruption error is 1.
        epsilons: for each norm the epsilon shown, see `filterfreq.publishing.measures.at_epsilon`.

    Raises:
        InputError: results that cannot stand beside each other (see `select`).
    """
    return tabulate_penalties(results, labels, penalties, baseline, along="strength", epsilons=epsilons)
