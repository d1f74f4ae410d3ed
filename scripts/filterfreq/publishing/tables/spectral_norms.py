"""Spectral norms of whole models on *{dataset}*: their product over layers, the largest, and the condition of layers.

Before and after the normalisation of layers. Convolutions are circular, on the size of image that each has and k - 1
pixels more at stride 1, so that a norm is an upper bound of the layer as used. The product bounds a chain of layers;
shortcuts add to it. The norm of the reshaped matrix, which spectral normalisation divides by, is no norm of the
convolution. Mean ± standard deviation over seeds.
"""

import pandas as pd

from filterfreq.publishing.filter_frames import batch_norm_phrase
from filterfreq.publishing.means import dataset_phrase
from filterfreq.publishing.phrases import is_one_seed, seeds_phrase
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import RUN, present_variants
from filterfreq.publishing.spectral_norm_frames import STAGES, boundary_of, spectral_norm_frame
from filterfreq.publishing.table import TextTable

PRODUCT = Product(title="Spectral norms", needs=["spectral_norm"], takes=["labels"])

_MEASURES = {
    "log_product_of_norms": "log10 of the product",
    "spectral_norm": "largest norm",
    "reshaped_matrix_norm": "largest norm of the reshaped matrix",
    "condition_number": "largest condition number",
}
_WEIGHTS = [*STAGES]


def tabulate(results: pd.DataFrame, labels: dict[str, str]) -> TextTable:
    """Show the measures of each model and variant in a row for the weights before and one for those after.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.

    Returns:
        Its numbers have one row per model, variant, weights and measure.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of the suite.
    """
    frame = spectral_norm_frame(results, labels)
    frame = frame[frame["metric"].isin(list(_MEASURES))]
    # Of a layer without a condition number, as one of zeros, none is the largest.
    of_runs = frame.groupby([*RUN, "weight", "metric"], observed=True)["value"].max().reset_index()
    groups = of_runs.groupby(["model", "variant", "weight", "metric"], observed=True)["value"]
    numbers = groups.agg(mean="mean", std="std", seeds="count").query("seeds > 0").reset_index()
    numbers["weight"] = pd.Categorical(numbers["weight"], _WEIGHTS, ordered=True)
    cells = numbers.assign(cell=[_cell(*row) for row in numbers[["mean", "std"]].itertuples(index=False)])
    rows = ["model", "variant", "weight"]
    table = cells.set_index([*rows, "metric"])["cell"].unstack("metric").fillna("–")  # noqa: PD010
    table = table.reindex(columns=[name for name in _MEASURES if name in table]).sort_index()
    right = len(table.columns)
    table = table.rename(columns=_MEASURES).reset_index().rename_axis(columns=None)
    table["variant"] = table["variant"].map(present_variants(frame, labels)).astype(str)
    table["weight"] = table["weight"].map(STAGES).astype(str)
    if len(table["model"].unique()) == 1:
        table = table.drop(columns="model")
    counts = frame.groupby(["model", "variant"], observed=True)["seed"].nunique()
    caption = (
        f"Spectral norms of all convolutions and linear layers on {dataset_phrase(frame)}, {boundary_of(frame)} "
        f"boundary, {batch_norm_phrase(frame)}. The product bounds a chain of layers; shortcuts add to it. "
        f"{'' if is_one_seed(counts) else 'Mean ± standard deviation over '}{seeds_phrase(counts)}."
    )
    return TextTable(numbers, table.rename(columns={"weight": "weights"}).astype(str), caption, right=right)


def _cell(mean: float, std: float) -> str:
    spread = "" if pd.isna(std) else f" ± {std:.2g}"
    return f"{mean:.3g}{spread}"
