import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import scipy.stats

import filterfreq
from filterfreq.evaluation.registry import Metric
from filterfreq.evaluation.results import (
    check_rows,
    format_parameter,
    fraction,
    wilson_interval,
    write_results,
)
from filterfreq.runtime.errors import InputError

RUN = {"dataset": "texdigits", "model": "resnet_8", "variant": "null", "seed": 3}


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (617, 1000), (9999, 10000)])
def test_wilson_interval_agrees_with_scipy(successes, n, confidence):
    expected = scipy.stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    low, high = wilson_interval(successes, n, confidence)
    assert low == pytest.approx(expected.low, abs=1e-12)
    assert high == pytest.approx(expected.high, abs=1e-12)
    assert 0 <= low <= successes / n <= high <= 1


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_interval_refuses_impossible_counts(successes, n):
    with pytest.raises(ValueError, match="no interval"):
        wilson_interval(successes, n)


def test_format_parameter_keeps_order_and_strings():
    assert format_parameter(attack="pgd-10", norm="l2", epsilon="1/2") == "attack=pgd-10;norm=l2;epsilon=1/2"
    with pytest.raises(ValueError, match="category"):
        format_parameter(category="a;b")


def test_fraction_of_nothing_has_no_value():
    row = fraction("shape_bias", "category=cat", 0, 0)
    assert row["n"] == 0
    assert all(math.isnan(row[key]) for key in ("value", "ci_low", "ci_high"))


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_the_checksum_is_in_the_form_of_sha256sum(tmp_path):
    write_results(tmp_path / "clean.csv", RUN, "clean", [fraction("accuracy", "split=test", 1, 2)])
    subprocess.run(["sha256sum", "--check", "clean.csv.sha256"], cwd=tmp_path, check=True)


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "clean.csv"
    write_results(path, RUN, "clean", [fraction("accuracy", "split=test", 1, 2)])
    before = path.read_bytes()

    def rows():
        yield fraction("accuracy", "split=test", 1, 2)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_results(path, RUN, "clean", rows())
    assert path.read_bytes() == before
    assert {found.name for found in tmp_path.iterdir()} == {"clean.csv", "clean.csv.sha256"}


def test_what_tables_are_made_from_imports_no_torch():
    code = (
        "import sys; import filterfreq.evaluation.reading, filterfreq.evaluation.corruptions, "
        "filterfreq.evaluation.shape_bias; sys.exit('torch' in sys.modules)"
    )
    scripts = Path(filterfreq.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=scripts, check=False).returncode == 0


CHECKED = {"accuracy": Metric(("share",), optional=("norm",))}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (None, "toy:run returned None: make it return a list of rows"),
        ([], "toy:run returned no rows"),
        ([fraction("acuracy", "share=1", 1, 2)], "unknown metric 'acuracy': did you mean 'accuracy'"),
        ([fraction("accuracy", "shar=1", 1, 2)], "the parameter 'shar=1', which lacks share"),
        ([fraction("accuracy", "share=1", 1, 2)] * 2, "the parameter 'share=1' twice"),
    ],
)
def test_rows_that_their_entry_does_not_have_are_refused_before_they_are_written(rows, said):
    with pytest.raises(InputError, match=re.escape(said)):
        check_rows(rows, "toy:run", CHECKED)


def test_rows_may_have_optional_keys_and_more():
    rows = [fraction("accuracy", parameter, 1, 2) for parameter in ("share=1", "share=1;norm=l2", "epoch=1;share=1")]
    check_rows(rows, "toy:run", CHECKED)
