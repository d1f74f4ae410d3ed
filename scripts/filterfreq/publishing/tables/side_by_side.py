"""What each intervention of experiment *{experiment}* changes on *{dataset}* against the baseline, in every measure.

The mean difference over runs paired by seed with Student's 95 % interval of each cell by itself, and its verdict:
better, worse or undecided; of measures without better values, higher or lower. Of several sets, radii and layers it is
the mean.
"""

from collections.abc import Mapping

import pandas as pd

from filterfreq.publishing.means import dataset_phrase
from filterfreq.publishing.measures import epsilons_phrase
from filterfreq.publishing.numbers import interval_text, number_text
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.side_by_side import difference_to_baseline, side_by_side_measures
from filterfreq.publishing.table import TextTable
from filterfreq.runtime.errors import InputError

PRODUCT = Product(
    title="Interventions side by side",
    needs=["clean"],
    adds=[
        "adversarial",
        "autoattack",
        "corruption",
        "out_of_distribution",
        "cue_conflict",
        "fourier_heat_map",
        "band_noise",
        "frequency_filtered",
        "filters",
        "filter_quality",
        "spectral_norm",
    ],
    takes=["labels", "baseline", "epsilons"],
    when="baseline_paired",
)


def tabulate(
    results: pd.DataFrame, labels: dict[str, str], baseline: str, epsilons: Mapping[str, str] | None = None
) -> TextTable:
    """Show what each variant changes against the baseline, a row each and a column for every measure.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.
        baseline: the variant that the others are compared with.
        epsilons: as in `table_main`.

    Returns:
        One row per model and variant but the baseline; its numbers have one row per cell.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or no pair of runs to compare.
    """
    frame = select(results, labels)
    shown = present_variants(frame, labels)
    numbers, rows = [], []
    measures = side_by_side_measures(frame, baseline, epsilons)
    for model in frame["model"].cat.categories:
        for variant, label in shown.items():
            if variant == baseline:
                continue
            cells = {"model": model, "variant": label}
            for measure in measures:
                found = difference_to_baseline(measure, model, variant, baseline)
                if found is None:
                    continue
                verdict = found.verdict(measure.direction)
                numbers.append(
                    {
                        **{"model": model, "variant": variant, "measure": measure.name, "group": measure.group},
                        **{"difference": found.mean, "ci_low": found.low, "ci_high": found.high},
                        **{"pairs": found.pairs, "standardised": found.standardised, "verdict": verdict},
                    }
                )
                factor, form = (100, "+.1f") if measure.is_share else (1, "+.2f")
                interval = (
                    "" if pd.isna(found.low) else f" {interval_text(factor * found.low, factor * found.high, form)}"
                )
                cells[measure.name] = f"{number_text(factor * found.mean, form)}{interval} {verdict}"
            if len(cells) > 2:
                rows.append(cells)
    if not rows:
        raise InputError(
            f"there is no run of {baseline} with the model and seed of another variant: nothing can be compared"
        )
    table = pd.DataFrame(rows).fillna("–")
    if len(table["model"].unique()) == 1:
        table = table.drop(columns="model")
    phrases = "; ".join(filter(None, [dataset_phrase(frame), epsilons_phrase(frame, epsilons)]))
    shares = "percentage points" if all(measure.is_share for measure in measures) else "percentage points of shares"
    caption = (
        f"Differences to {shown[baseline]} on {phrases}. In {shares}, mean over pairs of runs with one seed [Student's "
        "95 % interval, of each cell by itself]: better or worse where the interval leaves out 0, of measures without "
        "better values higher or lower, else undecided."
    )
    return TextTable(pd.DataFrame(numbers), table, caption, right=0)
