import json

import pandas as pd
import pytest

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import replacing_with_checksum
from filterfreq.training.history import HISTORY_COLUMNS, VALIDATION_COLUMN, read_history, write_history

ROWS = [
    {"epoch": 1, "learning_rate": 0.1, "loss": 2.5, "penalty": 0.0, "train_accuracy": 0.25, "test_accuracy": 0.5},
    {"epoch": 2, "learning_rate": 0.05, "loss": 1.25, "penalty": 0.5, "train_accuracy": 0.5, "test_accuracy": 1.0},
]
KEYS = ["variant", "seed"]
HEADER = ",".join(HISTORY_COLUMNS)


@pytest.fixture
def path(tmp_path):
    write_history(tmp_path / "history.csv", ROWS)
    return tmp_path / "history.csv"


def test_a_history_comes_back(path):
    assert read_history(path).to_dict("records") == ROWS
    assert path.read_text().splitlines()[0] == HEADER


def test_a_changed_digit_is_found(path):
    path.write_text(path.read_text().replace("1.25", "1.35"))
    with pytest.raises(
        InputError, match=r"history\.csv was changed since it was written.*or delete history\.csv\.sha256"
    ):
        read_history(path)
    path.with_name("history.csv.sha256").unlink()
    assert read_history(path)["loss"].tolist() == [2.5, 1.35]


def test_histories_of_several_runs(tmp_path):
    rows = [("null", 0, 1), ("null", 0, 2), ("null", 1, 1), ("x", 0, 1)]
    path = tmp_path / "history.csv"
    path.write_text(f"variant,seed,{HEADER}\n" + "".join(f"{v},{s},{e},0.1,1,0,0.5,0.5\n" for v, s, e in rows))
    read = read_history(path, KEYS)
    assert [*zip(read["variant"], read["seed"], read["epoch"], strict=True)] == rows


def edited(**values) -> str:
    return HEADER + "\n" + ",".join(str({**ROWS[0], **values}[name]) for name in HISTORY_COLUMNS) + "\n"


@pytest.mark.parametrize(
    "content",
    [
        *("", "\0", HEADER, "x\n1\n", edited() + edited(), edited() + edited(epoch=3), edited(epoch=0)),
        *(edited(loss=value) for value in ("nan", "inf", "1e400", "", "high", "1,2")),
        *(edited(test_accuracy=value) for value in (1.5, -0.5, "nan")),
        *(edited(epoch=value) for value in ("9" * 5000, 2**63, 1.5, "one")),
        *(edited().replace(",penalty", ",value"), json.dumps(ROWS)),
    ],
    ids=range(22),
)
def test_a_damaged_history_is_one_sentence(tmp_path, content):
    path = tmp_path / "history.csv"
    path.write_text(edited())
    read_history(path)
    path.write_text(content)
    with pytest.raises(InputError, match=r"history\.csv is damaged .*: delete it and run again$") as caught:
        read_history(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_history_has_the_validation_accuracy_where_there_is_one(tmp_path):
    path, keys = tmp_path / "history.csv", ["variant"]
    validated = [{**row, VALIDATION_COLUMN: 0.25} for row in ROWS]
    write_history(path, validated)
    assert read_history(path).to_dict("records") == validated
    # Of several runs in one file some may have none.
    runs = [pd.DataFrame(rows).assign(variant=name) for name, rows in (("a", validated), ("b", ROWS))]
    columns = [*keys, *HISTORY_COLUMNS, VALIDATION_COLUMN]
    with replacing_with_checksum(path) as temporary:
        pd.concat(runs)[columns].to_csv(temporary, index=False)
    found = read_history(path, keys)[VALIDATION_COLUMN]
    assert found[:2].tolist() == [0.25, 0.25]
    assert found[2:].isna().all()


@pytest.mark.parametrize("value", [1.5, -0.5, "nan", "", "high"])
def test_a_validation_accuracy_that_is_none_is_refused(tmp_path, value):
    path = tmp_path / "history.csv"
    path.write_text(f"{HEADER},{VALIDATION_COLUMN}\n{edited().splitlines()[1]},{value}\n")
    with pytest.raises(InputError, match=r"history\.csv is damaged .*: delete it and run again$"):
        read_history(path)
