import pandas as pd
import pytest

from filterfreq.evaluation.columns import COLUMNS
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import format_parameter


@pytest.fixture
def results_of(tmp_path):
    """Make results of (model, variant, seed, suite, metric, parameters, value)."""

    def build(rows):
        records = [
            ("toy", model, variant, seed, suite, metric, format_parameter(**parameters), value, 100, None, None)
            for model, variant, seed, suite, metric, parameters, value in rows
        ]
        pd.DataFrame(records, columns=list(COLUMNS)).to_csv(tmp_path / "toy.csv", index=False)
        return read_results([tmp_path / "toy.csv"])

    return build
