"""The table of the penalty's settings, which two tables show: by strength and layers, and by kind."""

import itertools
from collections.abc import Mapping

import pandas as pd

from filterfreq.publishing.means import column_meanings, dataset_phrase, means_table
from filterfreq.publishing.measures import epsilons_phrase, main_columns
from filterfreq.publishing.penalty_settings import penalty_order
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.table import TextTable


def tabulate_penalties(
    results: pd.DataFrame,
    labels: dict[str, str],
    penalties: Mapping[str, Mapping],
    baseline: str,
    along: str = "strength",
    epsilons: Mapping[str, str] | None = None,
) -> TextTable:
    """Show the measures of `table_main` by the settings of the penalty, variants without a penalty first.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        penalties: of every variant with a penalty its kind, strength, layers and `beside`, as
            `filterfreq.study.study.Study.penalties` returns them.
        baseline: the variant whose corruption error is 1.
        along: the setting that changes from row to row: kind, strength or layers.
        epsilons: as in `table_main`.

    Returns:
        One row per model and variant; its numbers have one row for each of these and measure.

    Raises:
        InputError: results that cannot stand beside each other (see `select`).
    """
    frame = select(results, labels)
    columns = main_columns(frame, baseline, epsilons)
    table = means_table(columns, present_variants(frame, labels), "")
    order = [name for name in labels if name not in penalties] + penalty_order(penalties, along)
    rows = [row for row in itertools.product(frame["model"].cat.categories, order) if row in table.mean.index]
    settings = pd.DataFrame(
        [
            {"model": model, "variant": variant}
            | {key: str(penalties.get(variant, {}).get(key, "–")) for key in ("kind", "layers", "strength")}
            for model, variant in rows
        ]
    )
    text = table.text().loc[rows]
    text.columns = [" ".join(table.headings[key]).strip() for key in text]
    beside = [penalties.get(variant, {}).get("beside", labels[variant]) for _, variant in rows]
    named = settings.rename(columns={"kind": "penalty", "strength": "λ"}).assign(variant=beside)
    cells = pd.concat([named, text.reset_index(drop=True)], axis="columns")
    if len(cells["model"].unique()) == 1:
        cells = cells.drop(columns="model")
    numbers = settings.merge(table.tidy(), on=["model", "variant"])
    phrases = [dataset_phrase(frame), epsilons_phrase(frame, epsilons), *column_meanings(columns, labels, baseline)]
    caption = (
        f"Settings of the frequency penalty on {'; '.join(filter(None, phrases))}. Layers: all, about the first "
        f"half, the first third, or the first alone; λ: the penalty's weight. {table.sizes} {table.unit}."
    )
    return TextTable(numbers, cells, caption, right=text.shape[1])
