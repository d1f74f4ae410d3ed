import numpy as np
import pytest
from evaluation.simple_models import ReadsPixels, images_of

from filterfreq.evaluation.suites.clean import evaluate_clean
from filterfreq.evaluation.suites.corruption import evaluate_corruption
from filterfreq.runtime.errors import InputError


def test_evaluate_corruption_reads_severity_blocks():
    labels = np.array([0, 1, 2, 3])
    fog = np.concatenate([np.where(np.arange(4) < severity, labels, 9) for severity in (4, 3, 2, 1, 0)])
    frost = np.tile(labels, 5)
    rows = evaluate_corruption(ReadsPixels(), {"fog": images_of(fog), "frost": images_of(frost)}, labels, 7, "cpu")
    of = {metric: [row for row in rows if row["metric"] == metric] for metric in {row["metric"] for row in rows}}
    assert of.keys() == {"accuracy", "expected_calibration_error"}
    for its_rows in of.values():
        assert [row["parameter"] for row in its_rows] == [
            f"corruption={corruption};severity={severity};origin=generated"
            for corruption in ("fog", "frost")
            for severity in range(1, 6)
        ]
        assert {row["n"] for row in its_rows} == {4}
    assert [row["value"] for row in of["accuracy"]] == [1, 0.75, 0.5, 0.25, 0, 1, 1, 1, 1, 1]
    # Each block by itself is a test set.
    for block in range(5):
        alone = evaluate_clean(ReadsPixels(), images_of(fog[4 * block : 4 * block + 4]), labels, 7, "cpu")[1]
        assert of["expected_calibration_error"][block]["value"] == pytest.approx(alone["value"])
    assert len({row["value"] for row in of["expected_calibration_error"]}) > 4


def test_evaluate_corruption_names_an_array_of_the_wrong_length():
    with pytest.raises(InputError, match="fog"):
        evaluate_corruption(ReadsPixels(), {"fog": images_of(np.zeros(19))}, np.zeros(4, dtype=np.int64), 7, "cpu")
