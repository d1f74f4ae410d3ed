"""How far the 3x3 filters of compared models of experiment *{experiment}* differ, on each data set.

The shift is the symmetric Kullback-Leibler divergence (in nats) of the histograms of coefficients in the common basis,
70 bins, averaged over components by their explained variance. Groups pool the filters of all treatments, and of all
controls: with a control in each of its pairs, and with each model once. Empty bins make groups of few filters differ
more: compare only groups of about equal size.
"""

import pandas as pd

from filterfreq.analysis.filter_statistics import DEPTH_BINS
from filterfreq.analysis.pairs import Pairs
from filterfreq.publishing.filter_coefficients import Coefficients, compared_groups, read_coefficients
from filterfreq.publishing.filter_frames import PAIRED, batch_norm_words
from filterfreq.publishing.numbers import number_texts
from filterfreq.publishing.published_filters import SHIFT, SHIFT_BY_DEPTH
from filterfreq.publishing.registry import Product
from filterfreq.publishing.table import TextTable

PRODUCT = Product(
    title="Shift of filters",
    needs=["filter_quality"],
    takes=["labels", "baseline", "pairs", "controls"],
    reads="filter_coefficients",
    over="experiment",
    when="compared",
)

read = read_coefficients

_COLUMNS = {
    "shift": "shift",
    "each_once": "each model once",
    "first": "first layer",
    "deepest": "last tenth",
    "published": "published",
    "published_each_once": "published, each model once",
    "published_first": "published, first layer",
    "published_deepest": "published, last tenth",
}


def tabulate(
    found: Coefficients, labels: dict[str, str], baseline: str, pairs: Pairs = (), controls: str = "each_pair"
) -> TextTable:
    """Show the shift of whole models, of the first layer and of the last tenth of the layers.

    Args:
        found: what `read` returns.
        labels: display labels of the variants by name, in order.
        baseline: the control where the config names no pairs.
        pairs: the pairs that the config names.
        controls: "each_pair", so that a control of k pairs counts k times, or "once".

    Returns:
        One row for each data set, and each variant where there are no pairs; beside pairs of a data set of the paper
        its published values.

    Raises:
        InputError: there is nothing to compare.
    """
    rows = []
    for one in compared_groups(found.counts, labels, baseline, pairs, controls, PAIRED):
        sides = one.treatments, one.controls
        row = {
            "dataset": one.dataset,
            "treatment": one.name,
            "treatments": len(set(one.treatments)),
            "controls": len(set(one.controls)),
            "treatment_filters": int(found.pool(one.each_once.treatments)[0].sum()),
            "control_filters": int(found.pool(one.each_once.controls)[0].sum()),
            "shift": found.shift(*sides),
            "each_once": found.shift(one.each_once.treatments, one.each_once.controls),
            "first": found.shift(*sides, DEPTH_BINS[:1]),
            "deepest": found.shift(*sides, DEPTH_BINS[-1:]),
        }
        if pairs and one.dataset in SHIFT:
            by_depth = SHIFT_BY_DEPTH[one.dataset]
            values = (*SHIFT[one.dataset], by_depth[0], by_depth[-1])
            row |= dict(zip(list(_COLUMNS)[4:], values, strict=True))
        rows.append(row)
    numbers = pd.DataFrame(rows)
    cells = numbers[["dataset"]].rename(columns={"dataset": "data set"})
    if not pairs:
        cells["variant"] = numbers["treatment"].map(labels)
    for side in ("treatment", "control"):
        cells[f"{side}s (filters)"] = [
            f"{models:,} ({filters:,})"
            for models, filters in zip(numbers[f"{side}s"], numbers[f"{side}_filters"], strict=True)
        ]
    shown = [name for name in _COLUMNS if name in numbers and (pairs or name != "each_once")]
    for name in shown:
        cells[_COLUMNS[name]] = number_texts(numbers[name].astype(float), ".4f")
    compared = "treatments and controls of pairs" if pairs else f"each variant and {labels[baseline]}"
    said = ""
    if "published" in numbers:
        said = (
            " Published: by Gavrikov and Keuper (CVPR workshops 2022), of 71 pairs of RobustBench's models and "
            "normally trained ones, in a basis of their own, on weights into which batch norm very likely was folded."
        )
    caption = (
        f"Shift between the 3x3 filters of {compared}: symmetric Kullback-Leibler divergence of their coefficients in "
        f"nats, averaged over components by explained variance. {batch_norm_words(found.batch_norm).capitalize()}; "
        "filters without the sparse. A shift grows where groups are small, as those of a first layer are: compare only "
        f"groups of similar size.{said}"
    )
    return TextTable(numbers, cells, caption, right=len(shown) + 2)
