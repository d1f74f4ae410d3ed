"""Radii of attacks, as the config writes them."""

import re
from fractions import Fraction

from filterfreq.errors import InputError

# Short, because a long exponent would be written out: no 1e999999999.
_PART = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?(e-?[0-9]{1,2})?")


def parse_epsilon(epsilon: str | float) -> float:
    """Return the value of an epsilon written as a fraction or a decimal: "2/255", "0.25/255" or "0.5".

    Raises:
        InputError: it is no number, or negative.
    """
    parts = str(epsilon).split("/")
    numbers = [Fraction(part) for part in parts if _PART.fullmatch(part)]
    if len(numbers) < len(parts) or len(parts) > 2 or 0 in numbers[1:]:
        raise InputError(f"epsilon {epsilon!r} is not a number from 0 up: write it as 2/255 or 0.5")
    return float(numbers[0] / numbers[1] if len(numbers) > 1 else numbers[0])
