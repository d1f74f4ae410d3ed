"""Results of fits: the same columns as of evaluations, parameters of other types. Imports no torch.

The column `dataset` holds the name of the fit, `model` that of the network, and `suite` what was learned.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from filterfreq.evaluation.results import read_results
from filterfreq.fits.registry import FITS


def read_fit(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Read and check results of one kind of fit, and spread `parameter` into columns of the types in `FITS`.

    Args:
        paths: CSV files.

    Returns:
        As `filterfreq.evaluation.results.read_results` does; keys that a metric's rows do not have are missing there.

    Raises:
        InputError: see `read_results`.
    """
    results = read_results(paths)
    for kind in results["suite"].unique():
        for types in FITS[kind].parameters.values():
            for key, kind_of_value in types.items():
                results[key] = pd.to_numeric(results[key]).astype("Int64" if kind_of_value is int else float)
    return results
