"""All variants of experiment *{experiment}* on out-of-distribution sets.

Beside them stands what was measured of accuracy on the test images of *{dataset}*, of the mean corruption error
relative to the baseline, and of the shape bias. Mean ± standard deviation over seeds, in percent; bold are the best
value of a column and all that cannot be told from it.
"""

import pandas as pd

from filterfreq.publishing.means import column_meanings, dataset_phrase, means_table
from filterfreq.publishing.measures import (
    CORRUPTION_ERROR,
    SHAPE_BIAS,
    clean_accuracy,
    corruption_means,
    run_column,
    shape_biases,
)
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.table import Table

PRODUCT = Product(
    title="Out of distribution",
    needs=["out_of_distribution"],
    adds=["clean", "corruption", "cue_conflict"],
    takes=["labels", "baseline"],
    note="extent_with_shifted",
)


def tabulate(results: pd.DataFrame, labels: dict[str, str], baseline: str) -> Table:
    """Show clean accuracy, that on every out-of-distribution set, mCE, and shape bias.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        baseline: the variant whose corruption error is 1.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of out-of-distribution sets.
    """
    select(results, labels, ["out_of_distribution"])
    frame = select(results, labels)
    clean = [*clean_accuracy(frame)]
    columns = [*clean]
    rows = frame[(frame["suite"] == "out_of_distribution") & (frame["metric"] == "accuracy")]
    columns += [
        run_column(("out_of_distribution", name), "out of distribution", name, set_rows)
        for name, set_rows in rows.groupby("set", sort=False)
    ]
    columns += [
        found._replace(measure="mCE", setting="")
        for found in corruption_means(frame, baseline)
        if found.key == CORRUPTION_ERROR
    ]
    columns += [found._replace(setting="") for found in shape_biases(frame) if found.key == SHAPE_BIAS]
    phrases = [
        f"Accuracy of models of {dataset_phrase(frame)}, "
        f"{'on its test images and ' if clean else ''}out of distribution",
        *column_meanings(columns, labels, baseline),
    ]
    return means_table(columns, present_variants(frame, labels), f"{'; '.join(phrases)}.")
