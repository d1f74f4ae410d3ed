"""Which of the styles of variants each variant has in all figures of a study. Imports no matplotlib."""

import itertools
from collections import Counter
from collections.abc import Iterable

COLOURS = 10
"""How many colours there are."""


def style_numbers(experiments: Iterable[Iterable[str]]) -> dict[str, int]:
    """Number the variants of a study, so that one has the same style wherever it is shown.

    The first ten have a colour each. A further one takes the colour that the fewest have, of those that no variant
    beside it has; where all are beside it, a number above them, which is a colour with another marker and dashes.

    Args:
        experiments: the variants of each experiment, in the study's order.

    Returns:
        The numbers of `filterfreq.publishing.style.variant_styles`, by variant.
    """
    groups = [dict.fromkeys(variants) for variants in experiments]
    numbers: dict[str, int] = {}
    for name in dict.fromkeys(itertools.chain.from_iterable(groups)):
        beside = {numbers[other] for group in groups if name in group for other in group if other in numbers}
        used = Counter(numbers.values())
        free = [number for number in range(COLOURS) if number not in beside]
        numbers[name] = (
            min(free, key=lambda number: used[number])
            if free
            else next(number for number in itertools.count(COLOURS) if number not in beside)
        )
    return numbers
