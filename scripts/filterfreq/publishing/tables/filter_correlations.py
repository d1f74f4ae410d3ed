"""How the 3x3 filters of the models of *{dataset}* go with their accuracy: Spearman's rank correlation.

Over the treatments, each once, where the experiment names pairs, else over all runs: of whole-model values with the
accuracy on clean images, under attack, and, where they are known, with the published accuracies. Of all models, and of
each architecture that has more than two. In brackets the number of models.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from filterfreq.analysis.filter_statistics import (
    WHOLE_MODEL,
    aggregate_models,
    dct_share_table,
    layer_table,
    spearman,
)
from filterfreq.analysis.pairs import Pairs, run_key
from filterfreq.publishing.filter_frames import batch_norm_phrase, filter_frame, named_shares
from filterfreq.publishing.means import column_meanings, dataset_phrase
from filterfreq.publishing.measures import ATTACK, CLEAN, add_published, epsilons_phrase, main_columns
from filterfreq.publishing.numbers import number_text
from filterfreq.publishing.phrases import needs_phrase
from filterfreq.publishing.published_filters import BATCH_NORM, RANK_CORRELATION
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import RUN, select
from filterfreq.publishing.table import TextTable

PRODUCT = Product(
    title="Filters and accuracy",
    needs=["filter_quality"],
    adds=["clean", "adversarial", "autoattack"],
    takes=["labels", "baseline", "epsilons", "published", "pairs"],
    when="accuracies_known",
)

_MEASURES = {
    "clean": "clean accuracy",
    "sparsity": "sparsity",
    "variance_entropy": "variance entropy",
    "orthogonality": "orthogonality",
    "DC": "DC share, scaled filters",
    "highest": "share of highest frequencies, scaled filters",
}
_FEWEST = 3  # models
_ALL = "all"


def tabulate(
    results: pd.DataFrame,
    labels: dict[str, str],
    baseline: str,
    epsilons: Mapping[str, str] | None = None,
    published: Mapping[str, Mapping[str, Any]] | None = None,
    pairs: Pairs = (),
) -> TextTable:
    """Show the correlations of every group of models.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        baseline: the variant that the main table's corruption errors are relative to, which are not shown here.
        epsilons: as in `table_main`.
        published: as in `table_main`.
        pairs: the pairs that the config names.

    Returns:
        One row for each group and whole-model value, one column for each accuracy; what has fewer than three models
        says so. Its numbers have one row per cell.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of filters.
    """
    dataset = results["dataset"].iloc[0]
    known = RANK_CORRELATION.get(dataset) if pairs else None
    filters = filter_frame(results, labels, *([BATCH_NORM] if known else []))
    values = _whole_models(filters)
    frame = select(results, labels)
    columns = add_published(main_columns(frame, baseline, epsilons), frame, published or {})
    columns = [found for found in columns if found.measured_key[0] in (CLEAN[0], ATTACK)]
    accuracies = {" ".join(filter(None, (found.measure, found.setting))): found.numbers for found in columns}
    # The measured one comes first.
    clean = next(found for found in columns if found.measured_key == CLEAN)
    values.insert(0, "clean", clean.numbers.reindex(values.index))
    if pairs:
        values = values.loc[[run for run in dict.fromkeys(run_key(pair["treatment"]) for pair in pairs)
                             if run in values.index]]  # fmt: skip
    groups = {_ALL: values}
    by_model = values.groupby(level="model", observed=True, sort=False)
    if by_model.ngroups > 1:
        groups |= {name: rows for name, rows in by_model if len(rows) >= _FEWEST}
    numbers = pd.DataFrame(
        [
            (group, measure, name, *_correlation(rows[measure], accuracy.reindex(rows.index)))
            for group, rows in groups.items()
            for measure in _MEASURES
            for name, accuracy in accuracies.items()
            if not (measure == "clean" and accuracy is clean.numbers)
        ],
        columns=["group", "measure", "accuracy", "spearman", "models"],
    )
    cells = numbers.assign(cell=[_cell(*row) for row in numbers[["spearman", "models"]].itertuples(index=False)])
    table = cells.pivot_table("cell", ["group", "measure"], "accuracy", aggfunc="first")
    table = table.reindex([(group, measure) for group in groups for measure in _MEASURES])
    table = table.reindex(columns=list(accuracies)).dropna(how="all").fillna("–").reset_index()
    table.columns.name = None
    said = ""
    if known:
        table["AutoAttack, 71-model study"] = [
            number_text(known[measure], ".2f") if group == _ALL and measure in known else "–"
            for group, measure in zip(table["group"], table["measure"], strict=True)
        ]
        said = (
            " Of the 71-model study: Gavrikov and Keuper, CVPR workshops 2022, over RobustBench's models, on weights "
            "into which batch norm very likely was folded."
        )
    right = len(table.columns) - 2
    names = _MEASURES | ({"clean": "clean accuracy, published"} if clean.is_published else {})
    table["measure"] = table["measure"].map(names)
    table = table.rename(columns={"group": "models", "measure": "value of the filters"})
    if len(groups) == 1:
        table = table.drop(columns="models")
    models = "the treatments of pairs" if pairs else "runs"
    phrases = [dataset_phrase(frame), epsilons_phrase(frame, epsilons), *column_meanings(columns, labels, baseline)]
    caption = (
        f"Spearman's rank correlation (number of models) of whole-model values of 3x3 filters with accuracies, over "
        f"{models} on {'; '.join(filter(None, phrases))}. "
        f"{batch_norm_phrase(filters).capitalize()}.{said}"
    )
    return TextTable(numbers, table, caption, right=right)


def _whole_models(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the values of whole models, by `RUN`."""
    models = aggregate_models(layer_table(frame))
    models = models[models["depth_bin"] == WHOLE_MODEL].set_index(RUN)
    shares = named_shares(dct_share_table(frame))
    shares = shares[shares["depth_bin"] == WHOLE_MODEL].set_index(RUN)
    named = {name: shares.loc[shares["frequencies"] == name, "scaled"] for name in ("DC", "highest")}
    values = models.assign(**named)[[name for name in _MEASURES if name != "clean"]]
    # Of names as they are, not of categories, which differ between parts of the results.
    return values.set_axis(pd.MultiIndex.from_tuples(list(values.index), names=RUN))


def _correlation(values: pd.Series, accuracies: pd.Series) -> tuple[float, int]:
    """Return the correlation, and of how many models it is."""
    known = values.notna() & accuracies.notna()
    return spearman(values[known], accuracies[known]), int(known.sum())


def _cell(correlation: float, models: int) -> str:
    if 0 < models < _FEWEST:
        return needs_phrase(_FEWEST, "models")
    return "–" if np.isnan(correlation) else f"{number_text(correlation, '.2f')} ({models})"
