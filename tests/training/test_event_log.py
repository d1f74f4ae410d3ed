from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from filterfreq.training.event_log import EventLog
from filterfreq.training.history import HISTORY_COLUMNS


def history(epochs: int, start: float = 0.0) -> list[dict]:
    """A history in which every number is another."""
    rng = np.random.default_rng(0)
    return [
        {name: epoch if name == "epoch" else start + rng.random() for name in HISTORY_COLUMNS}
        for epoch in range(1, epochs + 1)
    ]


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard's own reader finds in all event files of a folder: steps and values by scalar."""
    events = EventAccumulator(str(folder))
    events.Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def check(folder: Path, rows: list[dict]) -> None:
    found = read(folder)
    assert set(found) == set(HISTORY_COLUMNS) - {"epoch"}
    for name, points in found.items():
        assert [step for step, _ in points] == [row["epoch"] for row in rows]
        assert [value for _, value in points] == pytest.approx([row[name] for row in rows], rel=1e-6)


def test_every_epoch_stands_there_once(tmp_path):
    rows = history(3)
    log = EventLog(tmp_path)
    for epoch in (0, 1, 2, 2, 3):  # nothing yet; an announcement without a new epoch
        log.update(rows[:epoch])
    log.close()
    check(tmp_path, rows)


def test_epochs_can_be_read_before_the_end(tmp_path):
    log = EventLog(tmp_path)
    log.update(history(2))
    check(tmp_path, history(2))
    log.close()


def test_a_resumed_run_goes_on_without_repeats(tmp_path):
    interrupted = EventLog(tmp_path)
    interrupted.update(history(3, start=7.0))  # its third epoch was never saved, and is trained again
    resumed = EventLog(tmp_path)
    rows = history(4)
    resumed.update(rows[:2])
    resumed.update(rows)
    resumed.close()
    interrupted.close()
    check(tmp_path, rows)


def test_a_run_that_starts_afresh_forgets_the_log(tmp_path):
    before = EventLog(tmp_path)
    before.update(history(3, start=7.0))
    before.close()
    afresh = EventLog(tmp_path)
    afresh.update(history(1))
    afresh.close()
    check(tmp_path, history(1))
