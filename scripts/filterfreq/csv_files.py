"""CSV files, read strictly. Imports no torch."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from filterfreq.files import reading


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
        # Of longer rows.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        table = pd.read_csv(path, dtype=dict.fromkeys(text, str), keep_default_na=False, index_col=False, **options)
        if table.empty:
            raise ValueError("it has no rows")
    return table
