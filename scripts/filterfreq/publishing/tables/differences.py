"""What each variant of experiment *{experiment}* changes on *{dataset}* against the baseline.

In percentage points: the mean difference over runs paired by seed, Student's 95 % interval of each by itself, and the
number of pairs. Where the experiment names pairs, it is what their treatments change against their controls, in what
is published of them where nothing is measured.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from filterfreq.analysis.intervals import mean_difference
from filterfreq.analysis.pairs import Pairs, observations, pair_values, run_key
from filterfreq.publishing.means import column_meanings, dataset_phrase
from filterfreq.publishing.measures import (
    CORRUPTION_ERROR,
    Column,
    add_paired_runs,
    add_published,
    epsilons_phrase,
    main_columns,
    read_accuracies,
)
from filterfreq.publishing.numbers import interval_text, percent_text
from filterfreq.publishing.phrases import counting_phrase, needs_phrase, observations_phrase, pairs_cell
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.table import TextTable, headings, images_sentence
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Differences to the baseline",
    adds=["clean", "adversarial", "autoattack", "corruption", "cue_conflict"],
    takes=["labels", "baseline", "epsilons", "published", "pairs", "controls"],
    reads="results_if_any",
    when="accuracies_compared",
)

read = read_accuracies


def tabulate(
    results: pd.DataFrame,
    labels: dict[str, str],
    baseline: str,
    epsilons: Mapping[str, str] | None = None,
    pairs: Pairs = (),
    controls: str = "each_pair",
    published: Mapping[str, Mapping[str, Any]] | None = None,
) -> TextTable:
    """Show what each variant changes against the baseline, in the measures of `table_main`.

    Runs are paired by seed. A cell holds the mean difference, Student's 95 % interval of it (see `mean_difference`) and
    the number of pairs. Of an experiment with pairs, it is what treatments change against their controls instead.

    Args:
        results: tidy results of one data set; of pairs, may be none.
        labels: display labels of the variants by name, in order.
        baseline: the variant that the others are compared with.
        epsilons: as in `table_main`.
        pairs: the experiment's.
        controls: how often a control of several pairs counts, see `filterfreq.analysis.pairs.observations`.
        published: as in `table_main`; of pairs, shown where the same is not measured.

    Returns:
        One row per model and variant but the baseline, one column per measure; its numbers have one row per cell. Of
        pairs, one row per measure.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or no pair of runs to compare.
    """
    frame = select(add_paired_runs(results, pairs) if pairs else results, labels)
    shown = present_variants(frame, labels)
    # The baseline's mCE is 1 by definition: the difference says nothing that the column does not.
    columns = [found for found in main_columns(frame, baseline, epsilons) if found.key != CORRUPTION_ERROR]
    if pairs:
        measured = {found.key for found in columns}
        columns = add_published(columns, frame, published or {})
        columns = [found for found in columns if not found.is_published or found.measured_key not in measured]
    images = {(found.measure, found.setting): found.images for found in columns}
    phrases = [dataset_phrase(frame), epsilons_phrase(frame, epsilons), *column_meanings(columns, labels, baseline)]
    described = f"{'; '.join(filter(None, phrases))}. {images_sentence(images)}".rstrip()
    if pairs:
        return _pair_differences(columns, pairs, controls, described)
    numbers = []
    for found in columns:
        by_variant = found.numbers.unstack("variant")  # noqa: PD010
        if baseline not in by_variant:
            continue
        for variant in shown:
            if variant == baseline or variant not in by_variant:
                continue
            differences = (by_variant[variant] - by_variant[baseline]).dropna()
            for model, model_differences in differences.groupby(level="model", sort=False, observed=True):
                shown_images = found.images.xs((model, variant), level=["model", "variant"]).max()
                estimate = mean_difference([model_differences.to_numpy()], shown_images)
                cell = (estimate.mean, *estimate.interval(), len(model_differences), shown_images)
                numbers.append((model, variant, found.measure, found.setting, *cell))
    if not numbers:
        raise InputError(
            f"there is no run of {baseline} with the model and seed of another variant: nothing can be compared"
        )
    names = ["model", "variant", "measure", "setting", "difference", "ci_low", "ci_high", "pairs", "images"]
    tidy = pd.DataFrame(numbers, columns=names).astype({"images": "Int64"})
    text = tidy.assign(
        column=[" ".join(headings(images)[key]).strip() for key in zip(tidy["measure"], tidy["setting"], strict=True)],
        model=pd.Categorical(tidy["model"], frame["model"].cat.categories, ordered=True),
        variant=pd.Categorical(tidy["variant"].map(shown), [*shown.values()], ordered=True),
        cell=[
            _difference(*cell) for cell in tidy[["difference", "ci_low", "ci_high", "pairs"]].itertuples(index=False)
        ],
    )
    cells = text.set_index(["model", "variant", "column"])["cell"].unstack("column")  # noqa: PD010
    cells = cells[text["column"].unique()].fillna("–").reset_index()
    if len(cells["model"].unique()) == 1:
        cells = cells.drop(columns="model")
    cells.columns.name = None
    caption = (
        f"Differences to {shown[baseline]} on {described} Percentage points, mean over pairs of runs with one seed "
        "[Student's 95 % interval, of each cell by itself] (pairs)."
    )
    return TextTable(tidy, cells.astype(str), caption, right=text["column"].nunique())


def _pair_differences(columns: list[Column], pairs: Pairs, counting: str, described: str) -> TextTable:
    """Return the differences of treatments and controls, one row for each measure that pairs have."""
    numbers, cells = [], []
    names = headings({(found.measure, found.setting): found.images for found in columns})
    for found in columns:
        values = pair_values(found.numbers, found.numbers, pairs).dropna()
        if values.empty:
            continue
        values["difference"] = values["treatment"] - values["control"]
        compared = {run_key(pairs[number][side]) for number in values.index for side in ("treatment", "control")}
        images = found.images[found.images.index.isin(compared)].max()
        counted = {name: observations(values[name], pairs, counting) for name in values}
        estimate = mean_difference([counted["difference"]], images)
        distinct = len({run_key(pairs[number]["control"]) for number in values.index})
        numbers.append(
            {
                **{"measure": found.measure, "setting": found.setting},
                **{side: np.mean(counted[side]) for side in ("treatment", "control")},
                "difference": estimate.mean,
                **dict(zip(("ci_low", "ci_high"), estimate.interval(), strict=True)),
                **{"pairs": len(values), "controls": distinct, "counting": counting, "images": images},
            }
        )
        cells.append(
            {
                "measure": " ".join(names[found.measure, found.setting]).strip(),
                **{f"{side}s": percent_text(numbers[-1][side]) for side in ("treatment", "control")},
                "difference": _interval(estimate.mean, *estimate.interval())
                + (f" [{needs_phrase(2, observations_phrase(counting))}]" if len(counted["difference"]) < 2 else ""),
                "pairs": pairs_cell(len(values), distinct),
            }
        )
    if not numbers:
        raise InputError("no pair has a treatment and a control that were measured alike: nothing can be compared")
    caption = (
        f"Treatments against controls on {described} Percent, means over the pairs, {counting_phrase(counting)}; "
        "differences in percentage points [Student's 95 % interval, of each row by itself]."
    )
    return TextTable(pd.DataFrame(numbers).astype({"images": "Int64"}), pd.DataFrame(cells), caption, right=4)


def _difference(mean: float, low: float, high: float, pairs: int) -> str:
    return f"{_interval(mean, low, high)} ({pairs})"


def _interval(mean: float, low: float, high: float) -> str:
    interval = "" if np.isnan(low) else f" {interval_text(100 * low, 100 * high, '+.1f')}"
    return f"{percent_text(mean, '+.1f')}{interval}"
