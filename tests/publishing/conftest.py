from collections.abc import Callable, Iterable

import pandas as pd
import pytest

from filterfreq.evaluation.columns import COLUMNS
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import format_parameter

Row = tuple[str, str, int, str, str, dict, float]


@pytest.fixture
def results_of(tmp_path) -> Callable[..., pd.DataFrame]:
    """Make results, as tables and figures get them, of (model, variant, seed, suite, metric, parameters, value).

    Each stands on 100 images unless their number comes last. Beside each accuracy of a suite that also measures
    calibration stands a calibration error.
    """

    def build(rows: Iterable[Row], dataset: str = "toy_set") -> pd.DataFrame:
        rows = list(rows)
        calibrated = [row for row in rows if row[3:5] in [("clean", "accuracy"), ("corruption", "accuracy")]]
        rows += [(*row[:4], "expected_calibration_error", row[5], 0.0625, *row[7:]) for row in calibrated]
        records = [
            (dataset, model, variant, seed, suite, metric, format_parameter(**parameters), value, *images, None, None)
            for model, variant, seed, suite, metric, parameters, value, *images in ((*row, 100)[:8] for row in rows)
        ]
        path = tmp_path / f"{dataset}.csv"
        pd.DataFrame(records, columns=list(COLUMNS)).to_csv(path, index=False)
        return read_results([path])

    return build


def clean(model: str, variant: str, seed: int, value: float) -> Row:
    return model, variant, seed, "clean", "accuracy", {"split": "test"}, value


def attacked(model: str, variant: str, seed: int, attack: str, norm: str, epsilon: str, value: float) -> Row:
    suite = "autoattack" if attack == "autoattack" else "adversarial"
    return model, variant, seed, suite, "accuracy", {"attack": attack, "norm": norm, "epsilon": epsilon}, value


def corrupted(model: str, variant: str, seed: int, corruption: str, severity: int, value: float) -> Row:
    return model, variant, seed, "corruption", "accuracy", {"corruption": corruption, "severity": severity}, value


def biased(model: str, variant: str, seed: int, category: str, value: float) -> Row:
    return model, variant, seed, "cue_conflict", "shape_bias", {"category": category}, value


@pytest.fixture
def row():
    """The makers of rows, one per suite."""

    class Makers:
        clean = staticmethod(clean)
        attacked = staticmethod(attacked)
        corrupted = staticmethod(corrupted)
        biased = staticmethod(biased)

    return Makers
