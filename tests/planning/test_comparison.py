import os
from datetime import datetime

import pytest

from filterfreq.planning.comparison import compare, plan_table
from filterfreq.runtime.errors import InputError

MADE = "2026-01-02T03:04:05+00:00"


def entry(folder, rule, number, planned, actual, source="calibrated", after=True):
    path = folder / f"{rule}-{number}.tsv"
    if actual is not None:
        path.write_text(f"s\tmax_rss\n{actual}\t1\n")
        time = datetime.fromisoformat(MADE).timestamp() + (60 if after else -60)
        os.utime(path, (time, time))
    bound = rule == "evaluate_autoattack"
    return {
        "rule": rule,
        "benchmark": str(path),
        "record": None,
        "seconds": planned,
        "source": source,
        "is_bound": bound,
        "made": MADE,
    }


@pytest.fixture
def plan(tmp_path):
    planned = [
        entry(tmp_path, "train", 0, 3600, 5400),
        entry(tmp_path, "train", 1, 3600, 1800, source="measured"),
        entry(tmp_path, "train", 2, 3600, None),
        entry(tmp_path, "train", 3, 3600, 7200, after=False),
        entry(tmp_path, "evaluate_autoattack", 0, 7200, 1800),
        entry(tmp_path, "write_table", 0, None, 36, source="unknown"),
    ]
    return {"made": MADE, "device": "A100", "planned": planned}


def test_hours_are_those_of_jobs_that_finished_since_and_had_a_plan(plan):
    rows = compare(plan).set_index("rule")
    counts = rows[["planned_jobs", "finished_jobs", "compared_jobs", "measured", "calibrated"]]
    assert counts.loc["train"].tolist() == [4, 2, 2, 1, 1]
    assert counts.loc["write_table"].tolist() == [1, 1, 0, 0, 0]
    hours = rows[["planned_hours", "actual_hours", "ratio"]]
    assert hours.loc["train"].tolist() == [2.0, 2.0, 1.0]
    assert hours.loc["evaluate_autoattack"].tolist() == [2.0, 0.5, 0.25]
    assert hours.loc["all"].tolist() == [4.0, 2.5, 0.625]
    assert rows["is_bound"].to_dict() == {
        "train": False,
        "evaluate_autoattack": True,
        "write_table": False,
        "all": True,
    }


def test_an_interrupted_training_took_all_its_parts(plan, tmp_path):
    record = tmp_path / "run.json"
    record.write_text('{"provenance": {"seconds": 9000.0}}')
    plan["planned"][1]["record"] = str(record)
    rows = compare(plan).set_index("rule")
    assert rows.loc["train", ["planned_hours", "actual_hours"]].tolist() == [2.0, (5400 + 9000) / 3600]


def test_the_table_shows_them_in_all_forms(plan, tmp_path):
    table = plan_table(plan)
    assert table.cells.set_index("rule").loc["evaluate_autoattack"].tolist() == [
        *("calibrated", "1", "1", "1", "≤ 2.000", "0.500", "0.25")
    ]
    assert table.cells.set_index("rule").loc["write_table", "actual / planned"] == "–"
    assert "A100" in table.caption
    files = [tmp_path / f"plan.{form}" for form in ("csv", "md", "tex", "html", "txt")]
    table.write(files)
    assert all(file.stat().st_size > 100 for file in files)


def test_an_empty_plan_is_one_sentence():
    with pytest.raises(InputError, match="make it again"):
        compare({"made": MADE, "device": None, "planned": []})
