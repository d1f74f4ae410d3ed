"""Accuracy of the variants of experiment *{experiment}* on components of images of *{dataset}*.

Low and high pass by the radius in cycles per image, leading and trailing part by the number of singular values of each
channel; only high: the share of images that are right as they are and from the high component, and wrong from the low
one. Mean ± standard deviation over seeds, in percent. No value is better than another: they say what is used.
"""

from collections.abc import Iterator

import pandas as pd

from filterfreq.publishing.filtered_images import CONDITION, PASSES, add_conditions, condition_words, conditions_of
from filterfreq.publishing.means import dataset_phrase, means_table
from filterfreq.publishing.measures import Column, run_column
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.table import Table

PRODUCT = Product(title="Components of images", needs=["frequency_filtered"], takes=["labels"])

_PARTS = {"leading": "leading part", "trailing": "trailing part"}


def tabulate(results: pd.DataFrame, labels: dict[str, str]) -> Table:
    """Show the accuracy on each component; variants are columns.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of components.
    """
    frame = add_conditions(select(results, labels, ["frequency_filtered"]))
    return means_table(
        _columns(frame),
        present_variants(frame, labels),
        f"Accuracy on components of images, {dataset_phrase(frame)}.",
        across=True,
    )


# By metric: the key of each kind of component with its names, and the key of its size with its letter.
_KINDS = {"accuracy": ("pass", PASSES, "radius", "r"), "svd_accuracy": ("part", _PARTS, "rank", "k")}


def _columns(frame: pd.DataFrame) -> Iterator[Column]:
    """The measures of each condition: passes by radius, parts by rank, and what is found from high components alone."""
    conditions = conditions_of(frame)
    for condition in conditions:
        rows = frame[(frame[list(CONDITION)] == list(condition)).all(axis="columns")]
        words = condition_words(condition, conditions)
        for metric, (key, names, size, letter) in _KINDS.items():
            measured = rows[rows["metric"] == metric]
            for kind, name in names.items() if not measured.empty else ():
                yield from _sizes(metric, [name, *words], size, letter, measured[measured[key] == kind])
        yield from _sizes("only_high", ["only high", *words], "radius", "r", rows[rows["metric"] == "only_high"])


def _sizes(metric: str, words: list[str], size: str, letter: str, rows: pd.DataFrame) -> Iterator[Column]:
    """One measure at each radius or rank."""
    for value, of_size in rows.groupby(size, observed=True) if not rows.empty else ():
        measure, setting = ", ".join(words), f"{letter} = {float(value):g}"
        yield run_column((metric, measure, setting), measure, setting, of_size, "none")
