"""All models and variants of experiment *{experiment}* on all of its data sets.

Accuracy on clean images and, at one epsilon of each norm, on attacked ones; mean accuracy over the 15 common
corruptions, mean corruption error relative to the baseline, and shape bias. Mean ± standard deviation over seeds, in
percent, with the number of seeds where not all cells have the same; bold are the best value of a model and column and
all that cannot be told from it.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import pandas as pd

from filterfreq.publishing.means import column_meanings, means_table
from filterfreq.publishing.measures import Column, add_published, epsilons_phrase, main_columns
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import select
from filterfreq.publishing.table import Table

PRODUCT = Product(
    title="Main results, all data sets",
    needs=["clean"],
    adds=["adversarial", "autoattack", "corruption", "cue_conflict"],
    takes=["labels", "baseline", "epsilons_by_dataset", "published_by_dataset"],
    over="experiment",
)


def tabulate(
    results: pd.DataFrame,
    labels: dict[str, str],
    baseline: str,
    epsilons_by_dataset: Mapping[str, Mapping[str, str]] | None = None,
    published_by_dataset: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
) -> Table:
    """Compare all models and variants on all data sets of an experiment, in the measures of `table_main`.

    Data sets whose attacks are shown at other epsilons have columns of their own.

    Args:
        results: tidy results of any number of data sets.
        labels: display labels of the variants by name, in order.
        baseline: the variant whose corruption error is 1.
        epsilons_by_dataset: of each data set, as in `table_main`.
        published_by_dataset: likewise.

    Raises:
        InputError: results that cannot stand beside each other (see `select`).
    """
    datasets = list(results["dataset"].unique())
    frames = {name: select(results[results["dataset"] == name], labels) for name in datasets}
    epsilons_by_dataset, published_by_dataset = epsilons_by_dataset or {}, published_by_dataset or {}
    parts: dict[tuple[str, str], dict[str, Column]] = {}
    for name, frame in frames.items():
        columns = main_columns(frame, baseline, epsilons_by_dataset.get(name))
        for found in add_published(columns, frame, published_by_dataset.get(name, {})):
            parts.setdefault((found.measure, found.setting), {})[name] = found
    # Columns of one measure stand together, also where data sets have others of them.
    measures = list(dict.fromkeys(measure for measure, _ in parts))
    columns = []
    for headings in sorted(parts, key=lambda headings: measures.index(headings[0])):
        numbers, images = (
            pd.concat({name: getattr(found, part) for name, found in parts[headings].items()}, names=["dataset"])
            for part in ("numbers", "images")
        )
        columns.append(next(iter(parts[headings].values()))._replace(numbers=numbers, images=images))
    models = results["model"].unique()
    present = set().union(*(frame["variant"].cat.categories for frame in frames.values()))
    present_labels = {name: label for name, label in labels.items() if name in present}
    said: dict[str, list[str]] = {}
    for name, frame in frames.items():
        if phrase := epsilons_phrase(frame, epsilons_by_dataset.get(name)):
            said.setdefault(phrase, []).append(name)
    epsilon_phrases = [phrase if len(said) == 1 else f"{', '.join(names)}, {phrase}" for phrase, names in said.items()]
    phrases = [
        f"{', '.join(datasets)} ({', '.join(models)})",
        *epsilon_phrases,
        *column_meanings(columns, labels, baseline),
    ]
    return means_table(
        columns,
        present_labels,
        f"Accuracy on {'; '.join(phrases)}.",
        order=list(itertools.product(datasets, models, present_labels)),
    )
