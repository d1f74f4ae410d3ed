"""The history of a training as a CSV file, one row for each epoch. Imports no torch."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from filterfreq.runtime.csv_files import read_csv
from filterfreq.runtime.files import reading, replacing_with_checksum, verify_checksum

HISTORY_COLUMNS = ("epoch", "learning_rate", "loss", "penalty", "train_accuracy", "test_accuracy")

VALIDATION_COLUMN = "validation_accuracy"
"""The last column of a history with a validation; of several runs it is empty for those without."""

_FRACTIONS = ["train_accuracy", "test_accuracy"]


def write_history(path: str | Path, history: Iterable[Mapping[str, float]]) -> None:
    """Write a history whole or not at all, and its SHA-256 beside it.

    Args:
        path: the CSV file.
        history: for each epoch its `HISTORY_COLUMNS`, and its `VALIDATION_COLUMN` where it has one, as
            `filterfreq.training.loop.Trainer.history` has them.

    Raises:
        InputError: the disk is full.
    """
    rows = list(history)
    columns = [*HISTORY_COLUMNS, *([VALIDATION_COLUMN] if any(VALIDATION_COLUMN in row for row in rows) else [])]
    with replacing_with_checksum(path) as temporary:
        pd.DataFrame(rows, columns=columns).to_csv(temporary, index=False)


def read_history(path: str | Path, keys: Sequence[str] = ()) -> pd.DataFrame:
    """Read and check a history, or those of several runs in one file.

    Args:
        path: the CSV file.
        keys: the columns before `HISTORY_COLUMNS` that tell the runs apart; a seed is an integer, all else is text.

    Returns:
        The rows as they are written: `keys`, `HISTORY_COLUMNS` and, where a run has it, `VALIDATION_COLUMN`.

    Raises:
        InputError: the file is missing or damaged, was changed since it was written, or is no history: it has other
            columns, a number that is not finite, an accuracy outside [0, 1], or epochs that are not 1, 2, 3 and so on.
    """
    remedy = "delete it and run again"
    keys = list(keys)
    table = read_csv(path, remedy, [key for key in keys if key != "seed"])
    with reading(path, remedy):
        if list(table.drop(columns=VALIDATION_COLUMN, errors="ignore")) != [*keys, *HISTORY_COLUMNS]:
            raise ValueError(f"its columns should be {', '.join([*keys, *HISTORY_COLUMNS])}")
        numbers = table[list(HISTORY_COLUMNS)].apply(pd.to_numeric)
        fractions = [numbers[_FRACTIONS].stack()]  # noqa: PD013
        if VALIDATION_COLUMN in table:
            table[VALIDATION_COLUMN] = pd.to_numeric(table[VALIDATION_COLUMN].replace("", np.nan))
            fractions.append(table[VALIDATION_COLUMN].dropna() if keys else table[VALIDATION_COLUMN])
        number = table.groupby(keys).cumcount() + 1 if keys else np.arange(1, len(table) + 1)
        if not np.isfinite(numbers).all(axis=None) or not pd.concat(fractions).between(0, 1).all():
            raise ValueError("a number that is not finite, or an accuracy outside [0, 1]")
        if (numbers["epoch"] != number).any():
            raise ValueError("epochs that are not 1, 2, 3 and so on")
    verify_checksum(path)
    return table
