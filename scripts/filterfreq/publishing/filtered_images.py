"""What rows of the suite `frequency_filtered` are about, for its figure and its table."""

import pandas as pd

Condition = tuple[str, ...]
"""Which images, which mask and which rescaling."""

CONDITION = {"split": "test", "mask": "strict", "rescale": "none"}
"""Of the parameters that make a condition, what holds where a row does not say."""

PASSES = {"low": "low pass", "high": "high pass"}

_WORDS = {"test": "test images", "train": "training images", "non_strict": "non-strict mask", "released": "rescaled"}


def add_conditions(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows of the suite in which each parameter of a condition has a value.

    Args:
        frame: what `filterfreq.publishing.selection.select` returns, rows of `frequency_filtered` alone.
    """
    known = frame.reindex(columns=list(CONDITION)).astype(object)
    return frame.assign(**{key: known[key].where(known[key].notna(), default) for key, default in CONDITION.items()})


def conditions_of(frame: pd.DataFrame) -> list[Condition]:
    """Return the conditions of rows that `add_conditions` returned, in their order."""
    return list(dict.fromkeys(frame[list(CONDITION)].itertuples(index=False, name=None)))


def condition_words(condition: Condition, conditions: list[Condition]) -> list[str]:
    """Return in words what is not as by default in one of several conditions, or tells it from the others."""
    return [
        _WORDS[value]
        for number, (value, default) in enumerate(zip(condition, CONDITION.values(), strict=True))
        if value in _WORDS and (value != default or len({other[number] for other in conditions}) > 1)
    ]
