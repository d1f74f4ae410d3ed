"""What figures call filters of frequencies."""

from collections.abc import Mapping

BAND_LABELS: Mapping[str, str] = {
    "low": "low pass",
    "corner": "high pass",
    "complement": "high pass (complement)",
}
"""By the names of `filterfreq.frequencies.bands.BANDS`."""
BANDWIDTH_LABEL = "bandwidth (cycles per image)"
"""Beside the axis of their bandwidths."""
