import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from filterfreq.evaluation.columns import COLUMNS
from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import (
    format_parameter,
    fraction,
    prepend_parameter,
    quantity,
    wilson_interval,
    write_results,
)
from filterfreq.runtime.errors import InputError

RUN = {"dataset": "texdigits", "model": "resnet_8", "variant": "null", "seed": 3}


def test_results_come_back_as_they_were_written(tmp_path):
    third = 1 / 3
    write_results(
        tmp_path / "adversarial.csv",
        RUN,
        "adversarial",
        [fraction("accuracy", "attack=fgsm;norm=linf;epsilon=2/255", np.int64(1), 3)],
    )
    write_results(
        tmp_path / "filters.csv",
        RUN,
        "filters",
        [quantity("energy_share", "layer=a.b;index=3;depth=0.25;horizontal=0;vertical=2", third, 64)],
    )
    write_results(
        tmp_path / "frequency_filtered.csv",
        RUN,
        "frequency_filtered",
        [fraction("accuracy", "pass=low;radius=4.5", 1, 2)],
    )
    filtered = read_results([tmp_path / "frequency_filtered.csv"])
    assert (filtered["pass"][0], filtered["radius"][0]) == ("low", 4.5)
    write_results(tmp_path / "cue_conflict.csv", RUN, "cue_conflict", [fraction("shape_bias", "category=None", 0, 0)])
    table = read_results([tmp_path / f"{suite}.csv" for suite in ("adversarial", "filters", "cue_conflict")])
    assert tuple(table.columns[: len(COLUMNS)]) == COLUMNS
    assert table["value"].tolist()[:2] == [third, third]
    assert math.isnan(table["value"][2])
    assert table["n"].tolist() == [3, 64, 0]
    assert set(table["variant"]) == {"null"}
    assert table["category"][2] == "None"
    assert table["seed"].dtype == "int64"
    low, high = wilson_interval(1, 3)
    assert (table["ci_low"][0], table["ci_high"][0]) == (low, high)
    assert table["ci_low"].isna().tolist() == [False, True, True]
    assert table["epsilon"][0] == "2/255"
    assert table["epsilon_value"][0] == 2 / 255
    assert table["epsilon_value"].isna().tolist() == [False, True, True]
    assert (table["layer"][1], table["depth"][1]) == ("a.b", 0.25)
    for name, value in (("index", 3), ("horizontal", 0), ("vertical", 2)):
        assert table[name].dtype == "Int64"
        assert table[name][1] == value
        assert table[name][0] is pd.NA


def test_columns_of_absent_parameters_are_absent(tmp_path):
    write_results(tmp_path / "clean.csv", RUN, "clean", [fraction("accuracy", "split=test", 1, 2)])
    assert list(read_results([tmp_path / "clean.csv"]).columns) == [*COLUMNS, "split"]


def test_reading_nothing_is_refused():
    with pytest.raises(InputError, match="no result files"):
        read_results([])


def edited(**values: object) -> str:
    row = {**RUN, "suite": "clean", **fraction("accuracy", "split=test", 90, 100), **values}
    return ",".join(COLUMNS) + "\n" + ",".join(str(row[column]) for column in COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "EmptyDataError"),
        (b"\xff\xfe\x00\x01", "UnicodeDecodeError"),
        (edited().splitlines()[0].encode(), "no rows"),
        (edited().replace(",ci_low", ",low").encode(), "has other columns than dataset, model"),
        (edited().replace("ci_low,", "").encode(), "ParserWarning"),
        (b"a," * 200_000 + b"\n" + b"1," * 200_000, "its first line is no header"),
        (b'"a\n",' + b"a," * 200_000 + b"\n" + b"1," * 200_000, "its first line is no header"),
        (edited().replace("0.9,", "0.9,7,").encode(), "ParserWarning"),
        (edited(value=1.2).encode(), "outside"),
        (edited(value=1.2, ci_low="", ci_high="").encode(), "fraction"),
        (edited(value="").encode(), "not finite"),
        (edited(value="inf", metric="margin").encode(), "not finite"),
        (edited(value="high").encode(), "text"),
        (edited(ci_low=0.95).encode(), "confidence interval"),
        (edited(ci_high="").encode(), "confidence interval"),
        (edited(n=-1).encode(), "whole number"),
        (edited(n=1.5).encode(), "whole number"),
        (edited(seed="").encode(), "whole number"),
        (edited(parameter="test").encode(), "parameter 'test'"),
        (edited(parameter="corruption=fog;severity=high").encode(), "severity=high"),
        (edited(parameter="attack=fgsm;epsilon=small").encode(), "epsilon=small"),
        (edited(n=2**63).encode(), "an n that is not a whole number"),
        (edited(n=2**64).encode(), "an n that is not a whole number"),
        (edited(n="1e400").encode(), "an n that is not a whole number"),
        (edited(n="9" * 5000).encode(), "text where a number belongs"),
        (edited(n=0).encode(), "a value of nothing in line 2"),
        (edited(seed=2**63).encode(), "a seed that is not a whole number"),
        (edited(seed="-1").encode(), "a seed that is not a whole number"),
        (edited(seed="9.223372036854775807e18").encode(), "a seed that is not a whole number"),
        (edited(suite="mine", metric="margin", parameter="test").encode(), "parameter 'test'"),
        (edited(seed="True", n="True").encode(), "text where a number belongs"),
        (edited(value="True", ci_low="", ci_high="").encode(), "text where a number belongs"),
        (edited(ci_low=-0.5).encode(), "interval that leaves"),
        (edited(ci_high="inf").encode(), "interval that leaves"),
        (edited(ci_low="-inf", ci_high="inf", metric="margin").encode(), "interval that leaves"),
        (edited(value=-1.5, metric="error_consistency", ci_low="", ci_high="").encode(), "a value outside .-1, 1."),
        (edited(model='"a\nINFO finished"').encode(), "text of more than a line in line 2"),
        (edited(model="a\x1b[2J").encode(), "text of more than a line in line 2"),
        ((edited() + edited().splitlines()[1]).encode(), "one measurement twice in line 3"),
        *((edited(parameter=f"split=test;{name}=3").encode(), f"{name}=3") for name in (*COLUMNS, "epsilon_value")),
        (edited(parameter="split=test;split=train").encode(), "split=train"),
        (edited(parameter="split=test;=3").encode(), "is not key=value"),
        (edited(parameter="source=a;attack=fgsm").encode(), "'source=a;attack=fgsm', which lacks split, in line 2"),
        *(
            (edited(parameter=f"split=test;severity={number}").encode(), "is not key=value")
            for number in ("9" * 5000, "-1", "1.5", "٣", "")
        ),
        *(
            (edited(parameter=f"split=test;radius={number}").encode(), "is not key=value")
            for number in ("nan", "inf", "-1", "1e400")
        ),
        *(
            (edited(parameter=f"split=test;epsilon={number}").encode(), "is not key=value")
            for number in ("1e400", "inf/255", "9" * 5000, "1e999999999", "1/0")
        ),
    ],
)
def test_a_damaged_file_is_named(tmp_path, content, problem):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(edited())
    bad.write_bytes(content)
    read_results([good])
    with pytest.raises(InputError, match=problem) as caught:
        read_results([good, bad])
    assert str(bad) in str(caught.value)


def test_the_line_is_named(tmp_path):
    header, good = edited().splitlines()
    bad = edited(value=1.2, ci_high="").splitlines()[1]
    path = tmp_path / "clean.csv"
    path.write_text("\n".join([header, good, bad, bad]))
    with pytest.raises(InputError, match=r"clean\.csv holds a fraction outside \[0, 1\] in line 3: delete it"):
        read_results([path])


def test_rows_of_another_run_are_refused(tmp_path):
    path = tmp_path / "clean.csv"
    write_results(path, RUN, "clean", [fraction("accuracy", "split=test", 1, 2)])
    assert len(read_results([path], [["texdigits", "resnet_8", "null", 3]])) == 1
    with pytest.raises(InputError, match="holds results of texdigits/resnet_8/null/3, another run, in line 2"):
        read_results([path], [["texdigits", "resnet_8", "null", 4]])


def test_rows_of_another_suite_are_refused(tmp_path):
    path = written(tmp_path)
    assert len(read_results([path], suite="clean")) == 2
    with pytest.raises(
        InputError, match=r"clean\.csv holds results of the suite clean, where filters is expected, in li"
    ):
        read_results([path], suite="filters")


def test_nothing_is_shown_as_minus_zero(tmp_path):
    (tmp_path / "clean.csv").write_text(edited(value="-0.0", ci_low="", ci_high=""))
    assert math.copysign(1, read_results([tmp_path / "clean.csv"])["value"][0]) == 1


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"abc", b"\0" * 100, "DIRECTORY"], ids=range(5))
def test_a_damaged_checksum_is_a_sentence(tmp_path, content):
    path = written(tmp_path)
    checksum = path.with_name("clean.csv.sha256")
    if content == "DIRECTORY":
        checksum.unlink()
        checksum.mkdir()
    else:
        checksum.write_bytes(content)
    with pytest.raises(
        InputError,
        match=r"clean\.csv\.sha256.*: (delete it and (clean\.csv, and )?run again|look what it is and where it lies)",
    ) as caught:
        read_results([path])
    assert "\n" not in str(caught.value)


def written(folder: Path) -> Path:
    path = folder / "clean.csv"
    rows = [
        fraction("accuracy", "split=test", 175, 1000),
        quantity("expected_calibration_error", "split=test", 0.1, 1000),
    ]
    write_results(path, RUN, "clean", rows)
    return path


@pytest.mark.parametrize(
    "edit",
    [
        # Plausible values, a row less, and what a spreadsheet does to numbers.
        lambda text: text.replace("0.175,", "0.170,"),
        lambda text: text.replace(",0.1,", ",0.05,"),
        lambda text: "\n".join(text.splitlines()[:-1]) + "\n",
        lambda text: text.replace("\n", "\r\n"),
    ],
)
def test_an_edit_is_refused_unless_the_checksum_is_deleted(tmp_path, edit):
    path = written(tmp_path)
    changed = edit(path.read_text())
    assert changed != path.read_text()
    path.write_bytes(changed.encode())
    with pytest.raises(InputError, match=r"clean\.csv was changed since it was written.*or delete clean\.csv\.sha256"):
        read_results([path])
    path.with_name("clean.csv.sha256").unlink()
    assert len(read_results([path])) > 0


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"lost\.csv is missing"):
        read_results([tmp_path / "lost.csv"])


def test_rows_of_several_epochs_keep_their_parameters(tmp_path):
    rows = [fraction("accuracy", format_parameter(split="test"), successes, 8) for successes in (2, 6)]
    path = tmp_path / "clean.csv"
    write_results(path, RUN, "clean", [*prepend_parameter(rows[:1], epoch=1), *prepend_parameter(rows[1:], epoch=20)])
    assert prepend_parameter(rows) == rows
    found = read_results([path], suite="clean")
    assert list(found["parameter"]) == ["epoch=1;split=test", "epoch=20;split=test"]
    assert list(found["epoch"]) == [1, 20]
    assert list(found["split"]) == ["test", "test"]
    assert list(found["value"]) == [0.25, 0.75]
