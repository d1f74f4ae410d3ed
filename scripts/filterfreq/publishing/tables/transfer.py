"""Accuracy of the variants of experiment *{experiment}* on *{dataset}* under transferred attacks.

These were made on another model (transferred) and on the model itself (white box). Mean ± standard deviation over
seeds, in percent; bold are the best value and all that cannot be told from it.
"""

import pandas as pd

from filterfreq.publishing.attacks import attack_label
from filterfreq.publishing.means import dataset_phrase, means_table
from filterfreq.publishing.measures import add_clean_columns, attack_columns
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.table import Table

PRODUCT = Product(title="Transferred attacks", needs=["transfer"], adds=["clean", "adversarial"], takes=["labels"])


def tabulate(results: pd.DataFrame, labels: dict[str, str]) -> Table:
    """Show the accuracy under attacks made on another model, beside the same attacks made on the model itself.

    Variants are columns. On the model that the attacks are transferred from both are the same attack.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of transferred attacks.
    """
    select(results, labels, ["transfer"])
    frame = select(results, labels, ["clean", "adversarial", "transfer"])
    transferred = frame[frame["suite"] == "transfer"]
    white_box = frame[frame["suite"] == "adversarial"]
    pairs, own_pairs = (
        list(
            rows[rows["metric"] == "accuracy"][["attack", "norm"]].drop_duplicates().itertuples(index=False, name=None)
        )
        for rows in (transferred, white_box)
    )
    blocks = [
        attack_columns(rows, attack, norm, f"{attack_label(attack)} {norm_label(norm)}, {kind}")
        for attack, norm in pairs
        for kind, rows in (("transferred", transferred), ("white box", white_box))
    ]
    columns = add_clean_columns(frame, filter(None, blocks))
    sources = " and ".join(labels.get(name, name) for name in transferred["source"].dropna().unique())
    caption = f"Accuracy on {dataset_phrase(frame)} under attacks made on {sources} (transferred)"
    if set(pairs) & set(own_pairs):
        caption += " and on each model itself (white box)"
    return means_table(
        columns,
        present_variants(frame, labels),
        f"{caption}; clean, or at 0: on the same images without attack.",
        across=True,
    )
