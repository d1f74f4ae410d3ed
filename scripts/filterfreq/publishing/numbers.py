"""How tables and figures write numbers for people. Files that programs read, as tables in CSV, do not."""

from collections.abc import Iterable

import numpy as np

MINUS = "\N{MINUS SIGN}"
"""The sign that stands before negative numbers, in matplotlib's ticks too."""
_MISSING = "–"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number_text(value: float, form: str) -> str:
    """Return a number in the form of a format specification, as "+.1f", with the sign that prints as a minus.

    What is rounded to zero is not negative. NaN is a dash.
    """
    if np.isnan(value):
        return _MISSING
    return format(float(format(value, form)) + 0.0, form).replace("-", MINUS)


def percent_text(fraction: float, form: str = ".1f") -> str:
    """Return a fraction as percent, with one decimal unless a form is given: 0.1234 is 12.3."""
    return number_text(100 * fraction, form)


def interval_text(low: float, high: float, form: str) -> str:
    """Return an interval as `[low, high]`; a dash where its ends are NaN."""
    return _MISSING if np.isnan(low) else f"[{number_text(low, form)}, {number_text(high, form)}]"


def number_texts(values: Iterable[float], form: str) -> list[str]:
    """Return what `number_text` returns of each value."""
    return [number_text(value, form) for value in values]


def power_of_ten_text(value: float) -> str:
    """Return a power of ten as 10⁻⁶, in characters that no formula is needed for; of another number the one nearest."""
    return "10" + str(round(np.log10(value))).translate(_SUPERSCRIPTS)
