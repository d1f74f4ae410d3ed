"""Mean error of the heat maps of experiment *{experiment}* on *{dataset}* over low, middle and high frequencies.

A vector's frequency is the larger one of its vertical and its horizontal frequency; the three bands are equally wide,
and one without a frequency is left out. In percent, mean ± standard deviation over seeds.
"""

import numpy as np
import pandas as pd

from filterfreq.publishing.heat_maps import whole_map
from filterfreq.publishing.means import dataset_phrase, means_table
from filterfreq.publishing.measures import Column
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import RUN, present_variants, select
from filterfreq.publishing.table import Table

PRODUCT = Product(title="Fourier heat maps by band", needs=["fourier_heat_map"], takes=["labels"])

_BANDS = ("low", "middle", "high")


def tabulate(results: pd.DataFrame, labels: dict[str, str]) -> Table:
    """Average the error of each model's heat map over three bands of frequencies.

    Both vectors of a mirrored pair count, as both are pixels of the map.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or no heat maps.
    """
    frame = select(results, labels, ["fourier_heat_map"])
    frame = frame[frame["metric"] == "error"]
    several = len(frame["l2_norm"].unique()) > 1
    columns: list[Column] = []
    for norm, of_norm in frame.groupby("l2_norm"):
        means = {run: _band_means(rows) for run, rows in of_norm.groupby(RUN, observed=True)}
        errors = pd.DataFrame.from_dict(means, orient="index").rename_axis(RUN)
        images = of_norm.groupby(RUN, observed=True)["n"].max()
        # A map of few frequencies has none in some of them.
        for name in (name for name in _BANDS if errors[name].notna().any()):
            setting = f"{name} frequencies{f', norm {norm:g}' if several else ''}"
            key = ("fourier", name, f"{norm:g}")
            columns.append(Column(key, "error", setting, errors[name], images, direction="lower"))
    norms = ", ".join(f"{norm:g}" for norm in sorted(frame["l2_norm"].unique()))
    return means_table(
        columns,
        present_variants(frame, labels),
        f"Error on {dataset_phrase(frame)} with one Fourier basis vector added, of norm {norms} in each channel, by "
        "the band of its frequency.",
    )


def _band_means(rows: pd.DataFrame) -> dict[str, float]:
    """The mean error of one run in each band."""
    table = whole_map(rows.set_index(["u", "v"])["value"])
    frequency = np.maximum.outer(np.abs(table.index), np.abs(table.columns))
    thirds = pd.cut(3 * frequency.ravel() / max(1, frequency.max()), [-1, 1, 2, 3], labels=_BANDS)
    return pd.Series(table.to_numpy().ravel()).groupby(thirds, observed=False).mean().to_dict()
