"""CSV files, read strictly. Imports no torch."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from filterfreq.runtime.files import reading

_LONGEST_HEADER = 4096  # bytes


def read_csv(path: str | Path, remedy: str, text: Iterable[str], **options: Any) -> pd.DataFrame:
    """Read a CSV file with a header and at least one row.

    Names are kept as they are written: one may be called "null".

    Args:
        path: the file.
        remedy: what to do when it cannot be read, for the message.
        text: columns that are text, whatever they look like.
        options: more for `pandas.read_csv`.

    Raises:
        InputError: the file is missing, is no such CSV, or has rows longer than its header.
    """
    with reading(path, remedy), warnings.catch_warnings():
        with open(path, "rb") as file:
            header = file.readline(_LONGEST_HEADER)
        # pandas takes hours for as many columns as fit into a megabyte; between quotes a header goes on.
        if len(header) == _LONGEST_HEADER or header.count(b'"') % 2:
            raise ValueError("its first line is no header")
        # Of longer rows.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        table = pd.read_csv(path, dtype=dict.fromkeys(text, str), keep_default_na=False, index_col=False, **options)
        if table.empty:
            raise ValueError("it has no rows")
    return table
