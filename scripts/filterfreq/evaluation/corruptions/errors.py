"""The corruption error, relative to a baseline model. Imports no torch."""

import pandas as pd

from filterfreq.evaluation.corruptions import COMMON
from filterfreq.runtime.errors import InputError


def corruption_errors(accuracy: pd.DataFrame, baseline: pd.DataFrame) -> pd.Series:
    """Return the corruption error of each corruption, relative to a baseline model.

    CE_c = sum_s E_{s,c} / sum_s E_{s,c}(baseline), where E is the error rate at severity s (Hendrycks and Dietterich,
    ICLR 2019, who give it in percent, relative to AlexNet). 1 is as good as the baseline.

    Args:
        accuracy: fractions, one row per corruption, one column per severity.
        baseline: the same of the baseline, at least these corruptions and severities.

    Returns:
        The errors by corruption, not negative; inf where only the baseline makes none, NaN where neither does.

    Raises:
        InputError: the baseline lacks a corruption or a severity.
    """
    baseline = _matching_baseline(accuracy, baseline)
    return (1 - accuracy).sum(axis="columns", skipna=False) / (1 - baseline).sum(axis="columns", skipna=False)


def relative_corruption_errors(
    accuracy: pd.DataFrame, clean: float, baseline: pd.DataFrame, baseline_clean: float
) -> pd.Series:
    """Return how much each corruption adds to the clean error, relative to a baseline model.

    Relative CE_c = sum_s (E_{s,c} - E_clean) / sum_s (E_{s,c}(baseline) - E_clean(baseline)) (Hendrycks and Dietterich,
    ICLR 2019). 1 is a loss as large as the baseline's, 0 none at all.

    Args:
        accuracy: fractions, one row per corruption, one column per severity.
        clean: the accuracy on the images before corruption, in [0, 1].
        baseline: the same of the baseline, at least these corruptions and severities.
        baseline_clean: the accuracy of the baseline before corruption.

    Returns:
        The errors by corruption, negative where the model gains by it; NaN where the baseline loses nothing that the
        model's loss could be compared with.

    Raises:
        InputError: the baseline lacks a corruption or a severity.
    """
    baseline = _matching_baseline(accuracy, baseline)
    lost = (clean - accuracy).sum(axis="columns", skipna=False)
    lost_by_baseline = (baseline_clean - baseline).sum(axis="columns", skipna=False)
    return lost / lost_by_baseline.where(lost_by_baseline > 0)


def mean_corruption_error(accuracy: pd.DataFrame, baseline: pd.DataFrame) -> float:
    """Return mCE: the mean of `corruption_errors` over the 15 common corruptions.

    Args:
        accuracy: fractions, one row per corruption, one column per severity; further corruptions are left out.
        baseline: the same of the baseline.

    Returns:
        The mean, not negative; 1 is as good as the baseline.

    Raises:
        InputError: a common corruption is missing, or the baseline lacks a severity.
    """
    return float(corruption_errors(_common_accuracies(accuracy), baseline).mean(skipna=False))


def relative_mean_corruption_error(
    accuracy: pd.DataFrame, clean: float, baseline: pd.DataFrame, baseline_clean: float
) -> float:
    """Return relative mCE: the mean of `relative_corruption_errors` over the 15 common corruptions.

    Args:
        accuracy: fractions, one row per corruption, one column per severity; further corruptions are left out.
        clean: the accuracy on the images before corruption.
        baseline: the accuracies of the baseline under corruption.
        baseline_clean: and its accuracy before corruption.

    Returns:
        The mean; 1 is a loss as large as the baseline's; NaN where it loses nothing under one of them.

    Raises:
        InputError: a common corruption is missing, or the baseline lacks a severity.
    """
    errors = relative_corruption_errors(_common_accuracies(accuracy), clean, baseline, baseline_clean)
    return float(errors.mean(skipna=False))


def _matching_baseline(accuracy: pd.DataFrame, baseline: pd.DataFrame) -> pd.DataFrame:
    """Return the baseline's accuracies under the same corruptions at the same severities."""
    for axis, kind in ((0, "corruption"), (1, "severity")):
        missing = accuracy.axes[axis].difference(baseline.axes[axis])
        if len(missing):
            raise InputError(
                f"the baseline of the corruption error has no accuracy for {kind} "
                f"{', '.join(map(str, missing))}: evaluate it on the same corruptions"
            )
    return baseline.loc[accuracy.index, accuracy.columns]


def _common_accuracies(accuracy: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies under the 15 common corruptions."""
    missing = [corruption for corruption in COMMON if corruption not in accuracy.index]
    if missing:
        raise InputError(
            f"the mean corruption error needs all {len(COMMON)} common corruptions, but there is no accuracy for "
            f"{', '.join(missing)}: evaluate these too"
        )
    return accuracy.loc[list(COMMON)]
