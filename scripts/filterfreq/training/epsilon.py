"""Radii of attacks, as the config writes them."""

import math
import re
from fractions import Fraction

from filterfreq.runtime.errors import InputError

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


def check_bounds(epsilon: str, norm: str, size: int | None = None) -> None:
    """Refuse a radius at which every image can become any other, as one in grey levels does.

    Args:
        epsilon: as `parse_epsilon` takes it, in units of [0, 1].
        norm: "linf" or "l2".
        size: height and width of the RGB images, in pixels; without it no L2 radius is refused.

    Raises:
        InputError: it is no number, or no smaller than the distance from black to white.
    """
    radius = parse_epsilon(epsilon)
    if norm == "linf":
        furthest, of = 1.0, "pixels"
    elif size is not None:
        furthest, of = size * math.sqrt(3), f"images of {size} x {size} pixels"
    else:
        return
    if radius >= furthest:
        grey_levels = epsilon if "/" not in epsilon else "8"
        raise InputError(
            f"epsilon {epsilon} bounds nothing, for it is in units of [0, 1], where black and white {of} are "
            f"{furthest:.4g} apart: of grey levels write the fraction of 255, as in {grey_levels}/255"
        )
