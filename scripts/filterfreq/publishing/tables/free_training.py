"""Accuracy after free adversarial training with normalised layers on *{dataset}*, beside what is published of it.

Clean and under FGSM, PGD and AutoAttack with L∞ norm 8/255. Published is what the notebook in the released code of Liu
et al. (NeurIPS 2021) printed. Mean ± standard deviation over seeds, in percent; bold are the best value of a column and
all that cannot be told from it.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from filterfreq.publishing.attacks import attack_label, attack_pairs
from filterfreq.publishing.means import dataset_phrase, means_table
from filterfreq.publishing.measures import ATTACK, PUBLISHED, Column, add_clean_columns, attack_columns
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.published_normalisation import ACCURACIES, EPSILON, MODEL, SEEDS
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import RUN, select
from filterfreq.publishing.table import Table
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Free adversarial training",
    needs=["adversarial"],
    adds=["clean", "autoattack"],
    takes=["labels", "published_methods"],
    when="free_training_published",
)


def tabulate(results: pd.DataFrame, labels: dict[str, str], published_methods: Mapping[str, str]) -> Table:
    """Show the variants of which something is published, each published column beside the measured one like it.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        published_methods: by variant, its key of `filterfreq.publishing.published_normalisation.ACCURACIES`.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none at this epsilon.
    """
    shown = {name: label for name, label in labels.items() if name in published_methods}
    frame = select(results[results["model"] == MODEL], shown, ["clean", "adversarial", "autoattack"])
    blocks = []
    for attack, norm in attack_pairs(frame):
        measure = f"{attack_label(attack)} {norm_label(norm)}"
        found = [column for column in attack_columns(frame, attack, norm, measure) if column.key[-1] == EPSILON]
        if norm == "linf" and found:
            blocks.append(found)
    if not blocks:
        raise InputError(f"no attack was measured with L∞ norm {EPSILON}: write this epsilon for one of them")
    columns: list[Column] = []
    for found in add_clean_columns(frame, blocks):
        columns.append(found)
        columns += _published(found, published_methods)
    return means_table(
        columns,
        {name: label for name, label in shown.items() if name in set(frame["variant"])},
        f"Accuracy on {dataset_phrase(frame)} after free adversarial training. Published: by the notebook in the "
        "released code of Liu et al. (NeurIPS 2021), on all test images, with four seeds.",
    )


def _published(measured: Column, methods: Mapping[str, str]) -> list[Column]:
    """What is published of the attack of a column."""
    if measured.key[0] != ATTACK:
        return []
    attack = measured.key[1]
    values = {
        (MODEL, variant, seed): value
        for variant, method in methods.items()
        for seed, value in zip(SEEDS, ACCURACIES[method].get(attack, ()), strict=False)
    }
    if not values:
        return []
    numbers = pd.Series(values).rename_axis(RUN)
    setting = f"{measured.setting}, published"
    return [Column((PUBLISHED, *measured.key), measured.measure, setting, numbers, numbers * np.nan, "none")]
