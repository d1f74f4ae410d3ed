"""The heat maps that a figure and a table show."""

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
    highest = -values.index.get_level_values("u").min()
    # A square round 0 has more: 2 h^2 + 2 h + 1.
    is_even = len(values) == 2 * highest**2 + 2
    side = 2 * highest + (not is_even)
    table = pd.DataFrame(index=range(-highest, side - highest), columns=range(-highest, side - highest), dtype=float)
    for (u, v), value in values.items():
        for row, column in ((u, v), mirror(side, side, u, v)):
            table.loc[row, column] = value
    return table
