"""Signs of gradient masking in results of the suite `adaptive`, which a table and a figure show."""

import pandas as pd

from filterfreq.analysis.masking import masking_signs


def signs_of_run(rows: pd.DataFrame) -> dict[tuple[str, str], dict[str, bool | None]]:
    """Return whether each sign of `filterfreq.analysis.masking` holds for one run, by norm and epsilon.

    Args:
        rows: its accuracies under attacks, with columns attack, norm, epsilon and value.
    """
    found = {}
    for norm, of_norm in rows.groupby("norm", sort=False):
        accuracies = {
            epsilon: dict(zip(at["attack"], at["value"], strict=True))
            for epsilon, at in of_norm.groupby("epsilon", sort=False)
        }
        found |= {(norm, epsilon): signs for epsilon, signs in masking_signs(accuracies, norm).items()}
    return found
