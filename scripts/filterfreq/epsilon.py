"""Radii of attacks, as the config writes them."""

from fractions import Fraction

from filterfreq.errors import InputError


def parse_epsilon(epsilon: str | float) -> float:
    """Return the value of an epsilon written as a fraction or a decimal: "2/255", "0.25/255" or "0.5".

    Raises:
        InputError: it is no number, or negative.
    """
    try:
        parts = [Fraction(part) for part in str(epsilon).split("/")]
        value = parts[0] / parts[1] if len(parts) > 1 else parts[0]
    except (ValueError, ZeroDivisionError):
        value = Fraction(-1)
    if value < 0 or len(parts) > 2:
        raise InputError(f"epsilon {epsilon!r} is not a number from 0 up: write it as 2/255 or 0.5")
    return float(value)
