"""The maps of frequencies that figures and tables show."""

import numpy as np
import pandas as pd

from filterfreq.frequencies.pairs import mirror


def whole_map(values: pd.Series) -> pd.DataFrame:
    """Return a square map with both of each mirrored pair of frequencies.

    Args:
        values: by the levels `u` and `v`, the vertical and the horizontal frequency, one of each pair: of all
            frequencies of a square image, or of a square round 0.

    Returns:
        Rows u and columns v, ascending. An even side begins with a frequency -side / 2 that has no positive mirror.
    """
    u, v = (values.index.get_level_values(name).to_numpy(dtype=np.int64) for name in ("u", "v"))
    highest = -u.min()
    # A square round 0 has more: 2 h^2 + 2 h + 1.
    is_even = len(values) == 2 * highest**2 + 2
    side = 2 * highest + (not is_even)
    table = np.full((side, side), np.nan)
    for rows, columns in ((u, v), mirror(side, side, u, v)):
        table[rows + highest, columns + highest] = values.to_numpy(dtype=float)
    frequencies = range(-highest, side - highest)
    return pd.DataFrame(table, index=frequencies, columns=frequencies)


def radial_means(table: pd.DataFrame) -> pd.Series:
    """Return the mean of a map over rings round the frequency 0, each one cycle wide, by their radius.

    The rings are those that lie within the map: in its corners are further frequencies.

    Args:
        table: what `whole_map` returns.
    """
    radius = np.hypot.outer(table.index, table.columns).round().astype(int)
    means = pd.Series(table.to_numpy().ravel()).groupby(radius.ravel()).mean()
    return means.loc[: table.index[-1]].rename_axis("frequency")
