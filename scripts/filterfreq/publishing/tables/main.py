"""All variants of experiment *{experiment}* on *{dataset}*, in one measure of each kind of robustness.

Accuracy on clean images and, at one epsilon of each norm, on attacked ones; mean accuracy over the 15 common
corruptions, mean corruption error relative to the baseline, and shape bias. Mean ± standard deviation over seeds, in
percent; bold are the best value of a column and all that cannot be told from it.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from filterfreq.publishing.means import column_meanings, dataset_phrase, means_table
from filterfreq.publishing.measures import add_published, epsilons_phrase, main_columns
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.table import Table

PRODUCT = Product(
    title="Main results",
    needs=["clean"],
    adds=["adversarial", "autoattack", "corruption", "cue_conflict"],
    takes=["labels", "baseline", "epsilons", "published"],
)


def tabulate(
    results: pd.DataFrame,
    labels: dict[str, str],
    baseline: str,
    epsilons: Mapping[str, str] | None = None,
    published: Mapping[str, Mapping[str, Any]] | None = None,
) -> Table:
    """Compare the variants on everything measured, one column per kind of robustness.

    Each attack and norm is shown at one epsilon, so that the table stays readable; `table_adversarial` has them all.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        baseline: the variant whose corruption error is 1.
        epsilons: for each norm the epsilon shown, see `filterfreq.publishing.measures.attacks_at_epsilon`.
        published: by variant, what `filterfreq.study.study.Study.published_accuracies` returns.

    Returns:
        Columns: clean accuracy; accuracy under each attack; mean accuracy over the 15 common corruptions, and mCE
        relative to the baseline of the same model and seed; shape bias; what is published beside them.

    Raises:
        InputError: results that cannot stand beside each other (see `select`).
    """
    frame = select(results, labels)
    columns = add_published(main_columns(frame, baseline, epsilons), frame, published or {})
    phrases = [dataset_phrase(frame), epsilons_phrase(frame, epsilons), *column_meanings(columns, labels, baseline)]
    return means_table(columns, present_variants(frame, labels), f"Accuracy on {'; '.join(filter(None, phrases))}.")
