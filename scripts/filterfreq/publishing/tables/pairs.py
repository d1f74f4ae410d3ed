"""The pairs of experiment *{experiment}* on *{dataset}*: treatment and control in the measures of the main table.

Each cell has the treatment's value, then the control's, in percent; the last row has their means over the pairs. What
others have published of the models stands beside what is measured, or alone where nothing is.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from filterfreq.analysis.pairs import Pairs, observations, pair_values
from filterfreq.publishing.means import column_meanings, dataset_phrase
from filterfreq.publishing.measures import (
    CORRUPTION_ERROR,
    add_paired_runs,
    add_published,
    epsilons_phrase,
    main_columns,
    read_accuracies,
)
from filterfreq.publishing.numbers import percent_text
from filterfreq.publishing.phrases import counting_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import select
from filterfreq.publishing.table import TextTable, headings, images_sentence

PRODUCT = Product(
    title="Pairs",
    adds=["clean", "adversarial", "autoattack", "corruption", "cue_conflict"],
    takes=["labels", "baseline", "epsilons", "published", "pairs", "controls"],
    reads="results_if_any",
    when="pairs_known",
)

read = read_accuracies

_SIDES = ("treatment", "control")


def tabulate(
    results: pd.DataFrame,
    labels: dict[str, str],
    baseline: str,
    pairs: Pairs,
    controls: str = "each_pair",
    epsilons: Mapping[str, str] | None = None,
    published: Mapping[str, Mapping[str, Any]] | None = None,
) -> TextTable:
    """Show every pair with both runs, measured and published.

    Args:
        results: tidy results of one data set, or none.
        labels: display labels of the variants by name, in order.
        baseline: the variant that the main table's corruption errors are relative to, which are not shown here.
        pairs: the experiment's.
        controls: how often a control of several pairs counts in the means, see
            `filterfreq.analysis.pairs.observations`.
        epsilons: as in `table_main`.
        published: as in `table_main`.

    Returns:
        One row per pair and one of means, one column per measure; its numbers have one row per pair and measure.

    Raises:
        InputError: results that cannot stand beside each other (see `select`).
    """
    frame = select(add_paired_runs(results, pairs), labels)
    columns = [found for found in main_columns(frame, baseline, epsilons) if found.key != CORRUPTION_ERROR]
    columns = add_published(columns, frame, published or {})
    images = {(found.measure, found.setting): found.images for found in columns}
    names = headings(images)
    cells = pd.DataFrame({side: _run_names([pair[side] for pair in pairs], labels) for side in _SIDES})
    cells.loc[len(pairs)] = ["mean", ""]
    numbers = []
    for found in columns:
        values = pair_values(found.numbers, found.numbers, pairs)
        means = {side: pd.Series(observations(values[side].dropna(), pairs, controls)).mean() for side in _SIDES}
        shown = [_SIDES[0]] if values["control"].isna().all() else _SIDES
        every = pd.concat([values, pd.DataFrame([means])], ignore_index=True)[list(shown)]
        heading = " ".join(names[found.measure, found.setting]).strip()
        cells[heading] = [" / ".join(map(percent_text, row)) for row in every.itertuples(index=False)]
        numbers += [
            {
                **{f"{side}_{key}": pair[side][key] for side in _SIDES for key in ("variant", "model", "seed")},
                **{"measure": found.measure, "setting": found.setting},
                **{side: values.loc[number, side] for side in _SIDES},
            }
            for number, pair in enumerate(pairs)
        ]
    phrases = [dataset_phrase(frame), epsilons_phrase(frame, epsilons), *column_meanings(columns, labels, baseline)]
    sentences = [
        f"Pairs on {'; '.join(filter(None, phrases))}.",
        images_sentence(images),
        f"Percent, treatment / control; the last row has means over the pairs, {counting_phrase(controls)}.",
    ]
    caption = " ".join(filter(None, sentences))
    return TextTable(pd.DataFrame(numbers).dropna(subset=list(_SIDES), how="all"), cells, caption, right=len(columns))


def _run_names(runs: list[Mapping[str, Any]], labels: Mapping[str, str]) -> list[str]:
    """How runs are called: by label, with model and seed where their variant has several of them."""
    names = []
    for run in runs:
        alike = [other for other in runs if other["variant"] == run["variant"]]
        several = [key for key in ("model", "seed") if len({other[key] for other in alike}) > 1]
        details = ", ".join(f"seed {run[key]}" if key == "seed" else str(run[key]) for key in several)
        names.append(labels[run["variant"]] + (f" ({details})" if details else ""))
    return names
