"""The 3x3 filters of whole models of *{dataset}*: how sparse, diverse and orthogonal they are, and their frequencies.

Sparsity is the share of filters whose largest weight is at most a hundredth of the layer's. Variance entropy says how
evenly the other filters, each divided by its largest weight, vary along their principal axes; at most 0.954, the mean
over layers weighted by these filters. Orthogonality is 1 less the mean absolute cosine of a layer's output channels,
weighted by their number. DC and highest are shares of the energy in the orthonormal DCT-II: of filters as they are, so
that they count by their energy, and of scaled ones. Mean ± standard deviation over seeds.
"""

import pandas as pd

from filterfreq.analysis.filter_statistics import WHOLE_MODEL, aggregate_models, dct_share_table, layer_table
from filterfreq.publishing.filter_frames import FILTER_METRICS, batch_norm_phrase, filter_frame, named_shares
from filterfreq.publishing.means import dataset_phrase
from filterfreq.publishing.phrases import is_one_seed, range_phrase, seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import RUN, order_variants, present_variants
from filterfreq.publishing.table import TextTable

PRODUCT = Product(title="Filter quality", needs=["filter_quality"], takes=["labels"])

_PERCENT = ("sparsity", "DC, as they are", "highest, as they are", "DC, scaled", "highest, scaled")


def tabulate(results: pd.DataFrame, labels: dict[str, str]) -> TextTable:
    """Show the whole-model values of each model and variant.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.

    Returns:
        One row per model and variant; its numbers have one row per cell.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of filters.
    """
    frame = filter_frame(results, labels)
    models = aggregate_models(layer_table(frame))
    models = models[models["depth_bin"] == WHOLE_MODEL].set_index(RUN)
    shares = named_shares(dct_share_table(frame))
    shares = shares[shares["depth_bin"] == WHOLE_MODEL].set_index(RUN)
    values = models[list(FILTER_METRICS)].assign(
        **{
            f"{name}, {weighting}": shares.loc[shares["frequencies"] == name, column]
            for column, weighting in (("raw", "as they are"), ("scaled", "scaled"))
            for name in ("DC", "highest")
        }
    )
    tidy = values.reset_index().melt(RUN, var_name="measure")
    tidy = order_variants(tidy, labels).groupby(["model", "variant", "measure"], observed=True, sort=False)["value"]
    numbers = tidy.agg(mean="mean", std="std", seeds="count").query("seeds > 0").reset_index()
    cells = numbers.assign(cell=[_cell(*row) for row in numbers[["measure", "mean", "std"]].itertuples(index=False)])
    table = cells.set_index(["model", "variant", "measure"])["cell"].unstack("measure").fillna("–")  # noqa: PD010
    table = table.reindex(columns=list(values)).sort_index()
    names = {**FILTER_METRICS, **{name: f"{name} (%)" for name in _PERCENT if name not in FILTER_METRICS}}
    table = table.rename(columns=names).reset_index().rename_axis(columns=None)
    table["variant"] = table["variant"].map(present_variants(frame, labels)).astype(str)
    if len(table["model"].unique()) == 1:
        table = table.drop(columns="model")
    counts = frame.groupby(["model", "variant"], observed=True)["seed"].nunique()
    caption = (
        f"3x3 filters of whole models of {dataset_phrase(frame)}, {batch_norm_phrase(frame)}. Filters of a model: "
        f"{range_phrase(models['num_filters'])}. Sparsity: largest weight at most 1/100 of the layer's. Variance "
        "entropy: of scaled filters without these, 0.954 at most, weighted by their number; orthogonality: weighted by "
        "output channels. DC, highest: shares of energy in the DCT-II, of filters as they are and of scaled ones "
        f"without the sparse. {'' if is_one_seed(counts) else 'Mean ± standard deviation over '}{seeds_phrase(counts)}."
    )
    return TextTable(numbers, table.astype(str), caption, right=len(values.columns))


def _cell(measure: str, mean: float, std: float) -> str:
    """Return a mean and its spread as they are shown: shares in percent, others with three decimals."""
    factor, form = (100, ".1f") if measure in _PERCENT else (1, ".3f")
    spread = "" if pd.isna(std) else f" ± {factor * std:{form}}"
    return f"{factor * mean:{form}}{spread}"
