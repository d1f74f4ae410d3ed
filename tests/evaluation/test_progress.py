import json
from pathlib import Path

import numpy as np
import pytest

from filterfreq.evaluation.progress import Progress
from filterfreq.runtime.errors import InputError


def never():
    raise AssertionError("what is done was computed again")


def test_a_batch_is_computed_once(tmp_path):
    flags = np.array([True, False, True])
    path = tmp_path / "progress.json"
    np.testing.assert_array_equal(Progress(path, {"model": 1}).flags("a", lambda: flags), flags)
    lines = []
    again = Progress(path, {"model": 1}, lines.append)
    np.testing.assert_array_equal(again.flags("a", never), flags)
    assert again.flags("a", never).dtype == bool
    assert lines == [f"goes on after 1 finished batches, kept in {path}"]
    again.remove()
    again.remove()
    assert not path.exists()


BATCHES = [
    "null",
    "[]",
    '{"a": 1}',
    '{"a": [2]}',
    '{"a": [true]}',
    '{"a": ["x"]}',
    '{"a": [[0], [0]]}',
]


@pytest.mark.parametrize(
    "damage",
    [
        *(None, "", '{"fingerprint"', "[]"),
        *(f'{{"fingerprint": "\\"model\\"", "batches": {batches}, "sums": {{}}}}' for batches in BATCHES),
        '{"fingerprint": "\\"model\\""}',
    ],
)
def test_a_file_of_another_model_or_a_damaged_one_is_not_used(tmp_path, damage):
    path = tmp_path / "progress.json"
    Progress(path, "model").flags("a", lambda: np.array([True]))
    if damage is not None:
        path.write_text(damage)
    fresh = Progress(path, "another" if damage is None else "model", pytest.fail)
    assert not fresh.flags("a", lambda: np.array([False]))[0]
    assert json.loads(path.read_text())["batches"] == {"a": [0]}


def test_a_flag_that_was_changed_is_not_used(tmp_path):
    path = tmp_path / "progress.json"
    Progress(path, "model").flags("a", lambda: np.array([True, True]))
    path.write_text(path.read_text().replace("[1, 1]", "[0, 1]"))
    assert Progress(path, "model", pytest.fail).flags("a", lambda: np.array([True, True])).all()


def test_what_may_not_be_read_is_not_computed_again(tmp_path, monkeypatch):
    path = tmp_path / "progress.json"
    Progress(path, "model").flags("a", lambda: np.array([True]))

    def refuse(self, encoding):
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(InputError, match=r"progress\.json may not be read by you"):
        Progress(path, "model")


def test_without_a_file_nothing_is_kept():
    progress = Progress()
    assert progress.flags("a", lambda: np.array([True]))[0]
    assert not progress.flags("a", lambda: np.array([False]))[0]
    progress.remove()
