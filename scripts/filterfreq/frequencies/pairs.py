"""The frequencies of an image's spectrum, in mirrored pairs. Imports no torch.

Frequencies are signed, in cycles per image: u vertical in -(H // 2) ... (H - 1) // 2, v horizontal likewise. The mirror
of (u, v) is (-u, -v), modulo H and W; on an even side the frequency -H / 2 is its own mirror.
"""

from filterfreq.runtime.errors import InputError


def distinct_frequencies(height: int, width: int, highest: int | None = None) -> list[tuple[int, int]]:
    """Return one frequency of each mirrored pair, and those that are their own mirror.

    Args:
        height: pixels.
        width: pixels.
        highest: keep |u| and |v| up to this alone, a square round the frequency 0; all unless given.

    Returns:
        (u, v) in the order of the rows of a shifted spectrum, in which the frequency 0 is at (H // 2, W // 2); the
        first of each pair. Of 32 x 32 pixels 514 of 1,024, of 31 x 31 pixels 481 of 961.

    Raises:
        InputError: `highest` is below 0 or beyond the frequencies of the image.
    """
    limit = min(height, width) // 2
    if highest is not None and not 0 <= highest <= limit:
        raise InputError(f"the highest frequency {highest} is not in an image of {height} x {width}: give 0 to {limit}")
    found: dict[tuple[int, int], None] = {}
    for u in range(-(height // 2), (height + 1) // 2):
        for v in range(-(width // 2), (width + 1) // 2):
            if (highest is None or max(abs(u), abs(v)) <= highest) and mirror(height, width, u, v) not in found:
                found[u, v] = None
    return list(found)


def mirror(height: int, width: int, u: int, v: int) -> tuple[int, int]:
    """Return the frequency whose coefficient is the complex conjugate in every real image."""
    return (-u + height // 2) % height - height // 2, (-v + width // 2) % width - width // 2
