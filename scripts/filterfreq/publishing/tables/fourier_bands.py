"""Mean error of the heat maps of experiment *{experiment}* on *{dataset}* over low, middle and high frequencies.

A vector's frequency, in cycles per image, is the larger one of its vertical and its horizontal frequency; the bands are
the thirds up to the highest one, as far as a frequency lies in them. In percent, mean ± standard deviation over seeds.
"""

import itertools
from collections.abc import Iterable
from typing import NamedTuple

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


class _Band(NamedTuple):
    """A band of frequencies, in cycles per image, its ends included."""

    name: str
    first: int
    last: int

    @property
    def label(self) -> str:
        cycles = str(self.first) if self.first == self.last else f"{self.first}–{self.last}"
        return f"{self.name} ({cycles})"


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
    bands = _bands(int(frame[["u", "v"]].astype("int64").abs().max(axis=None)))
    columns: list[Column] = []
    for norm, of_norm in frame.groupby("l2_norm"):
        means = {run: _band_means(rows, bands) for run, rows in of_norm.groupby(RUN, observed=True)}
        errors = pd.DataFrame.from_dict(means, orient="index").rename_axis(RUN)
        images = of_norm.groupby(RUN, observed=True)["n"].max()
        for band in bands:
            setting = band.label + (f", norm {norm:g}" if several else "")
            key = ("fourier", band.name, f"{norm:g}")
            columns.append(Column(key, "error", setting, errors[band.name], images, direction="lower"))
    norms = ", ".join(f"{norm:g}" for norm in sorted(frame["l2_norm"].unique()))
    return means_table(
        columns,
        present_variants(frame, labels),
        f"Error on {dataset_phrase(frame)} with one Fourier basis vector added, of norm {norms} in each channel, by "
        "the band of its frequency (in brackets, cycles per image).",
    )


def _bands(highest: int) -> list[_Band]:
    """Return the thirds of the frequencies up to the highest one, without those that none lies in."""
    ends = [-1, *(number * highest // len(_BANDS) for number in range(1, len(_BANDS) + 1))]
    bands = [_Band(name, low + 1, high) for name, (low, high) in zip(_BANDS, itertools.pairwise(ends), strict=True)]
    return [band for band in bands if band.first <= band.last]


def _band_means(rows: pd.DataFrame, bands: Iterable[_Band]) -> dict[str, float]:
    """The mean error of one run in each band."""
    table = whole_map(rows.set_index(["u", "v"])["value"])
    frequency = np.maximum.outer(np.abs(table.index), np.abs(table.columns))
    return {band.name: table.to_numpy()[(band.first <= frequency) & (frequency <= band.last)].mean() for band in bands}
