"""Accuracy under each corruption, mean over its five severities, and the mean corruption error.

That error (mCE; Hendrycks and Dietterich 2019) is relative to the baseline variant. Mean ± standard deviation over
seeds, in percent.
"""

import pandas as pd

from filterfreq.evaluation.corruptions import COMMON, EXTRA
from filterfreq.publishing.corruptions import FAMILIES, corruption_label
from filterfreq.publishing.means import dataset_phrase, means_table
from filterfreq.publishing.measures import RELATIVE_CORRUPTION_ERROR, Column, corruption_accuracies, corruption_means
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import RUN, present_variants, select
from filterfreq.publishing.table import Table

PRODUCT = Product(title="Corruptions", needs=["corruption"], adds=["clean"], takes=["labels", "baseline"])


def tabulate(results: pd.DataFrame, labels: dict[str, str], baseline: str) -> Table:
    """Show the accuracy under each corruption, mean over severities, and the means; variants are columns.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        baseline: the variant whose corruption error is 1.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of corruptions.
    """
    frame = select(results, labels, ["corruption"])
    measured = corruption_accuracies(frame)
    images = frame[frame["metric"] == "accuracy"].groupby(RUN, observed=True)["n"].max()
    columns = []
    for family, corruptions in FAMILIES.items():
        for corruption in corruptions:
            if corruption in measured.columns.unique("corruption"):
                accuracies = measured[corruption].mean(axis="columns", skipna=False)
                key = ("corruptions", corruption)
                columns.append(Column(key, family, corruption_label(corruption), accuracies, images))
    all_rows = select(results, labels, ["corruption", "clean"])
    means = [found._replace(measure="common") for found in corruption_means(all_rows, baseline)]
    columns += means
    relative = any(found.key == RELATIVE_CORRUPTION_ERROR for found in means)
    return means_table(
        columns,
        present_variants(frame, labels),
        f"Accuracy on corrupted {dataset_phrase(frame)}, mean over severities. The means are over the {len(COMMON)} "
        f"common corruptions, without {', '.join(corruption_label(name) for name in EXTRA)}; "
        f"mCE: corruption error relative to {labels.get(baseline, baseline)}"
        + ("; relative mCE: the same of what corruptions add to the error on the same images." if relative else "."),
        across=True,
    )
