import numpy as np
import pandas as pd
import pytest

from filterfreq.evaluation.corruptions import COMMON, CORRUPTIONS, EXTRA
from filterfreq.evaluation.corruptions.errors import (
    corruption_errors,
    mean_corruption_error,
    relative_corruption_errors,
    relative_mean_corruption_error,
)
from filterfreq.runtime.errors import InputError


def accuracies(value: float, names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(value, index=names, columns=range(1, 6))


def test_corruption_error_by_hand():
    model = pd.DataFrame([[0.9, 0.8, 0.7, 0.6, 0.5], [1.0] * 5], index=["fog", "snow"], columns=range(1, 6))
    baseline = pd.DataFrame([[0.2] * 5, [0.8, 0.6, 0.4, 0.2, 0.0]], index=["snow", "fog"], columns=range(1, 6))
    errors = corruption_errors(model, baseline)
    assert errors["fog"] == pytest.approx(1.5 / 3)
    assert errors["snow"] == 0


def test_mce_is_the_mean_over_the_common_corruptions():
    baseline = accuracies(0.5, list(CORRUPTIONS))
    model = accuracies(0.75, list(CORRUPTIONS))
    model.loc["fog"] = 0.0
    model.loc[list(EXTRA)] = 0.0
    assert mean_corruption_error(baseline, baseline) == pytest.approx(1)
    assert mean_corruption_error(model, baseline) == pytest.approx((14 * 0.5 + 2) / 15)


def test_relative_corruption_error_by_hand():
    model = pd.DataFrame([[0.8, 0.7], [0.9, 0.9]], index=["fog", "snow"], columns=[1, 2])
    baseline = pd.DataFrame([[0.4, 0.2], [0.5, 0.6]], index=["snow", "fog"], columns=[1, 2])
    errors = relative_corruption_errors(model, 0.9, baseline, 0.7)
    assert errors["fog"] == pytest.approx((0.1 + 0.2) / (0.2 + 0.1))
    assert errors["snow"] == pytest.approx(0)


def test_relative_mce_is_the_mean_over_the_common_corruptions():
    baseline, model = accuracies(0.5, list(CORRUPTIONS)), accuracies(0.75, list(CORRUPTIONS))
    model.loc["fog"] = 0.05
    model.loc[list(EXTRA)] = 0.0
    assert relative_mean_corruption_error(baseline, 0.7, baseline, 0.7) == pytest.approx(1)
    assert relative_mean_corruption_error(model, 0.85, baseline, 0.7) == pytest.approx((14 * 0.5 + 4) / 15)
    # A worse clean accuracy makes the same accuracies under corruption a smaller loss.
    assert relative_mean_corruption_error(model, 0.8, baseline, 0.7) < relative_mean_corruption_error(
        model, 0.85, baseline, 0.7
    )


def test_mce_of_an_unknown_accuracy_is_unknown():
    model, baseline = accuracies(0.75, list(COMMON)), accuracies(0.5, list(COMMON))
    model.loc["fog", 3] = np.nan
    assert np.isnan(mean_corruption_error(model, baseline))


def test_relative_errors_need_a_baseline_that_loses_something():
    model = pd.DataFrame([[0.8], [0.8], [0.95]], index=["fog", "frost", "snow"], columns=[1])
    baseline = pd.DataFrame([[0.5], [0.6], [0.4]], index=["fog", "frost", "snow"], columns=[1])
    errors = relative_corruption_errors(model, 0.9, baseline, 0.5)
    assert errors.isna().to_dict() == {"fog": True, "frost": True, "snow": False}
    assert errors["snow"] == pytest.approx(-0.5)


def test_mce_names_what_is_missing():
    complete, partial = accuracies(0.5, list(COMMON)), accuracies(0.5, list(COMMON)[1:])
    with pytest.raises(InputError, match="gaussian_noise"):
        mean_corruption_error(partial, complete)
    with pytest.raises(InputError, match="gaussian_noise"):
        mean_corruption_error(complete, partial)
    with pytest.raises(InputError, match="severity 5"):
        mean_corruption_error(complete, complete.drop(columns=5))
    with pytest.raises(InputError, match="gaussian_noise"):
        relative_mean_corruption_error(partial, 1.0, complete, 1.0)
    with pytest.raises(InputError, match="severity 5"):
        relative_mean_corruption_error(complete, 1.0, complete.drop(columns=5), 1.0)
