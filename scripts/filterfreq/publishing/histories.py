"""The training histories that tables and figures show. Imports no matplotlib."""

from collections.abc import Sequence

import pandas as pd

from filterfreq.evaluation.columns import RUN_COLUMNS
from filterfreq.publishing.selection import order_variants
from filterfreq.runtime.errors import InputError
from filterfreq.training.history import read_history


def read_histories(files: Sequence[str]) -> pd.DataFrame:
    """Read the histories of all runs, which are one file.

    Raises:
        InputError: it is missing, damaged, or was changed since it was written.
    """
    return read_history(files[0], RUN_COLUMNS)


def select_histories(histories: pd.DataFrame, labels: dict[str, str], columns: Sequence[str]) -> pd.DataFrame:
    """Return the histories of some variants, with `model` and `variant` as `order_variants` has them.

    Args:
        histories: columns model, variant, seed, epoch (from 1) and further ones.
        labels: display labels of the variants by name, in order.
        columns: what is shown of each epoch.

    Raises:
        InputError: a column is missing, or no variant has a history.
    """
    missing = [name for name in ("model", "variant", "seed", "epoch", *columns) if name not in histories]
    if missing:
        raise InputError(f"the training histories lack the columns {', '.join(missing)}: train again")
    frame = histories[histories["variant"].isin(list(labels))]
    if frame.empty:
        raise InputError(f"there are no training histories of the variants {', '.join(labels)}: train them")
    return order_variants(frame, labels)
