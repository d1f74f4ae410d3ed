"""Results of the suite `spectral_norm` as its figure and table show them. No matplotlib."""

import pandas as pd

from filterfreq.publishing.filter_frames import shown_batch_norm
from filterfreq.publishing.selection import select

STAGES: dict[str, str] = {"plain": "before normalisation", "normalised": "after normalisation"}
"""What the weights of layers are called, by the parameter `weight`."""


def spectral_norm_frame(results: pd.DataFrame, labels: dict[str, str]) -> pd.DataFrame:
    """Choose the results of some variants, with one way of treating batch norm and the boundary circular.

    The zero boundary is shown where there is no other: it is not known of layers whose spectrum is scaled.

    Args:
        results: tidy results of one data set.
        labels: display labels of the variants by name, in order.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of the suite.
    """
    frame = select(results, labels, ["spectral_norm"])
    frame = frame[frame["batch_norm"] == shown_batch_norm(frame["batch_norm"].unique())]
    boundary = boundary_of(frame)
    return frame[frame["boundary"].isna() | (frame["boundary"] == boundary)]


def boundary_of(frame: pd.DataFrame) -> str:
    """Return the boundary that is shown."""
    return "circular" if (frame["boundary"] == "circular").any() else "zero"
