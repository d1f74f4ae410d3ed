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

    Arguments and errors are those of `tabulate_penalties`.
    """
    return tabulate_penalties(results, labels, penalties, baseline, along="strength", epsilons=epsilons)
