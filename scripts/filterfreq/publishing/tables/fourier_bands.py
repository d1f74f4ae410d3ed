"""Mean error of the heat maps of experiment *{experiment}* on *{dataset}* over low, middle and high frequencies.

A vector's frequency, in cycles per image, is the larger one of its vertical and its horizontal frequency; the bands are
the thirds up to the highest one, as far as a frequency lies in them. In percent, mean ± standard deviation over seeds.
"""

import pandas as pd

from filterfreq.publishing.map_bands import band_errors
from filterfreq.publishing.means import dataset_phrase, means_table
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import present_variants, select
from filterfreq.publishing.table import Table

PRODUCT = Product(title="Fourier heat maps by band", needs=["fourier_heat_map"], takes=["labels"])


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
    columns = band_errors(frame)
    norms = ", ".join(f"{norm:g}" for norm in sorted(frame["l2_norm"].unique()))
    return means_table(
        columns,
        present_variants(frame, labels),
        f"Error on {dataset_phrase(frame)} with one Fourier basis vector added, of norm {norms} in each channel, by "
        "the band of its frequency (in brackets, cycles per image).",
    )
