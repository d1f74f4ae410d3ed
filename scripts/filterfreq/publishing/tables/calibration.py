"""Expected calibration error (Guo et al. 2017) of the variants of experiment *{experiment}* on *{dataset}*.

At each severity it is the mean over the common corruptions; clean is the same images before them. Mean ± standard
deviation over seeds, in percent; bold are the lowest value and all that cannot be told from it.
"""

import pandas as pd

from filterfreq.publishing.calibration_errors import calibration_errors
from filterfreq.publishing.means import dataset_phrase, means_table
from filterfreq.publishing.measures import Column
from filterfreq.publishing.registry import Product
from filterfreq.publishing.selection import RUN, present_variants, select
from filterfreq.publishing.table import Table

PRODUCT = Product(title="Calibration", needs=["corruption"], adds=["clean"], takes=["labels"])


def tabulate(results: pd.DataFrame, labels: dict[str, str]) -> Table:
    """Show the expected calibration error on clean images and at every severity of corruption; variants are columns.

    Raises:
        InputError: results that cannot stand beside each other (see `select`), or none of calibration.
    """
    frame = calibration_errors(select(results, labels, ["clean", "corruption"]))
    columns = []
    for severity, at_severity in frame.groupby("severity"):
        by_run = at_severity.groupby(RUN, observed=True)
        heading = ("ECE", "clean") if severity == 0 else ("ECE, corrupted", str(severity))
        key = ("calibration_error", str(severity))
        columns.append(Column(key, *heading, by_run["value"].mean(), by_run["n"].max(), direction="lower"))
    return means_table(
        columns,
        present_variants(frame, labels),
        f"Expected calibration error (ECE) on {dataset_phrase(frame)}, 15 bins: by severity as the mean over the "
        "common corruptions, and on the same images before them.",
        across=True,
    )
