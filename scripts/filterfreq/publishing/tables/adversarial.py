"""Accuracy under every attack at every epsilon, and on the same images without attack.

Mean ± standard deviation over seeds, in percent; bold are the best value and all that cannot be told from it.
"""

import pandas as pd

from filterfreq.publishing.attacks import attack_label, attack_pairs
from filterfreq.publishing.means import dataset_phrase, means_table
from filterfreq.publishing.measures import add_clean_columns, attack_columns
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.table import Table

PRODUCT = Product(title="Adversarial accuracy", needs=["adversarial"], adds=["clean", "autoattack"], takes=["labels"])

_ACCURACY = ["clean", "adversarial", "autoattack"]


def tabulate(results: pd.DataFrame, labels: dict[str, str]) -> Table:
    """Show the accuracy on the attacked images, under every attack at every epsilon and without it.

    Variants are columns.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of an attack.
    """
    select(results, labels, ["adversarial", "autoattack"])
    frame = select(results, labels, _ACCURACY)
    blocks = [
        attack_columns(frame, attack, norm, f"{attack_label(attack)} {norm_label(norm)}")
        for attack, norm in attack_pairs(frame)
    ]
    return means_table(
        add_clean_columns(frame, blocks),
        present_variants(frame, labels),
        f"Accuracy on {dataset_phrase(frame)} under adversarial attacks, by norm and size of the perturbation; clean, "
        "or at 0: on the same images without attack.",
        across=True,
    )
