"""The mean error of heat maps over bands of frequencies, which a table shows alone and others beside other measures."""

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from filterfreq.publishing.heat_maps import whole_map
from filterfreq.publishing.measures import Column
from filterfreq.publishing.selection import RUN

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


def band_errors(frame: pd.DataFrame) -> list[Column]:
    """Return the mean error of each run's heat map over three bands of frequencies, for each norm.

    The bands are the thirds up to the highest frequency, as far as a frequency lies in them; a vector's frequency is
    the larger one of its vertical and its horizontal one. Both vectors of a mirrored pair count, as both are pixels of
    the map.

    Args:
        frame: what `select` returns.

    Returns:
        By norm and band, low ones first; empty where no heat map was measured.
    """
    frame = frame[(frame["suite"] == "fourier_heat_map") & (frame["metric"] == "error")]
    if frame.empty:
        return []
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
    return columns


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
