"""How often the class of a test image of *{dataset}* is a model's first answer, and among its first five.

Mean ± standard deviation over seeds, in percent; bold are the best value of a column and all that cannot be told from
it.
"""

import pandas as pd

from filterfreq.publishing.means import dataset_phrase, means_table
from filterfreq.publishing.measures import clean_accuracy, run_column
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.table import Table

PRODUCT = Product(title="Top-1 and top-5 accuracy", needs=["top_5"], adds=["clean"], takes=["labels"])


def tabulate(results: pd.DataFrame, labels: dict[str, str]) -> Table:
    """Show the top-5 accuracy of each variant, and beside it the top-1 accuracy where it was measured.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or no top-5 accuracies.
    """
    select(results, labels, ["top_5"])
    frame = select(results, labels, ["clean", "top_5"])
    first = [found._replace(measure="top-1") for found in clean_accuracy(frame)]
    five = run_column(("top_5",), "top-5", "", frame[frame["suite"] == "top_5"])
    return means_table(
        [*first, five],
        present_variants(frame, labels),
        f"Accuracy on the test images of {dataset_phrase(frame)}: top-1 counts a model's first answer, top-5 its first "
        "five.",
    )
