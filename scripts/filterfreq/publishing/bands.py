"""What figures call the bands of frequencies that a filter leaves."""

from collections.abc import Mapping

BAND_LABELS: Mapping[str, str] = {
    "low": "low frequencies",
    "corner": "highest frequencies",
    "complement": "all but low frequencies",
}
"""By the names of `filterfreq.frequencies.bands.BANDS`."""
