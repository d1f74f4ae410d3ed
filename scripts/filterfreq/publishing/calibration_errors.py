"""The calibration errors that a table and a figure show."""

import pandas as pd

from filterfreq.evaluation.corruptions import COMMON
from filterfreq.publishing.selection import RUN
from filterfreq.runtime.errors import InputError


def calibration_errors(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the expected calibration errors under the common corruptions, and as severity 0 before them.

    The calibration error depends on the number of images, so that severity 0 is of those that were corrupted.

    Raises:
        InputError: there are none.
    """
    corrupted = frame[(frame["metric"] == "expected_calibration_error") & frame["corruption"].isin(COMMON)]
    own = frame[(frame["suite"] == "corruption") & (frame["metric"] == "clean_calibration_error")]
    clean_errors = frame[(frame["suite"] == "clean") & (frame["metric"] == "expected_calibration_error")]
    before = pd.concat([own, clean_errors[clean_errors["n"].isin(corrupted["n"])]]).drop_duplicates(RUN)
    rows = pd.concat([before.assign(severity=0), corrupted])
    if rows.empty:
        raise InputError("there are no calibration errors: run the evaluation corruption")
    return rows.astype({"severity": "int64"})
