"""Accuracy of the variants of experiment *{experiment}* on *{dataset}* under each corruption at each severity.

Mean ± standard deviation over seeds, in percent; bold are the best value and all that cannot be told from it.
"""

import pandas as pd

from filterfreq.publishing.corruptions import FAMILIES, corruption_label
from filterfreq.publishing.means import dataset_phrase, means_table
from filterfreq.publishing.measures import Column, corruption_accuracies
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import RUN, present_variants, select
from filterfreq.publishing.table import Table

PRODUCT = Product(title="Corruptions by severity", needs=["corruption"], takes=["labels"])


def tabulate(results: pd.DataFrame, labels: dict[str, str]) -> Table:
    """Show the accuracy under each corruption at each severity; variants are columns.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of corruptions.
    """
    frame = select(results, labels, ["corruption"])
    measured = corruption_accuracies(frame)
    images = frame[frame["metric"] == "accuracy"].groupby(RUN, observed=True)["n"].max()
    severities = sorted(measured.columns.unique("severity"))
    columns = [
        Column(
            ("severities", name, str(severity)), corruption_label(name), f"{severity}", measured[name, severity], images
        )
        for names in FAMILIES.values()
        for name in names
        for severity in severities
        if (name, severity) in measured
    ]
    return means_table(
        columns,
        present_variants(frame, labels),
        f"Accuracy on corrupted {dataset_phrase(frame)}, by severity.",
        across=True,
    )
