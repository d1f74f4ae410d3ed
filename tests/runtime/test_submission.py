import hashlib
import os

import pytest

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.submission import slurm_job, tell_config_files, tell_jobs, told_config, told_config_files


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """An environment in which nothing was told, and which is as it was after the test."""
    monkeypatch.setattr(os, "environ", {})


def test_jobs_are_told_what_the_config_was(tmp_path):
    assert told_config() is None
    config = {"experiments": {"main": {"seeds": [0, 1]}}, "evaluation": {"epsilons": ["1/255"]}}
    tell_jobs(config, tmp_path)
    config["experiments"].clear()
    assert told_config() == {"experiments": {"main": {"seeds": [0, 1]}}, "evaluation": {"epsilons": ["1/255"]}}


def test_scripts_are_told_the_config_files():
    assert told_config_files() is None
    tell_config_files(["a.yaml", "b \udcff.yaml"])
    assert told_config_files() == ["a.yaml", "b \udcff.yaml"]


def test_a_config_is_kept_once_under_its_checksum(tmp_path):
    for _ in range(2):
        tell_jobs({"a": 1}, tmp_path)
    (kept,) = tmp_path.iterdir()
    assert kept.stem == hashlib.sha256(kept.read_bytes()).hexdigest()
    tell_jobs({"a": 2}, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert told_config() == {"a": 2}


def test_a_config_that_is_gone_is_one_sentence(tmp_path):
    tell_jobs({"a": 1}, tmp_path)
    (kept,) = tmp_path.iterdir()
    for damage in (lambda: kept.write_text('{"a": 2}'), lambda: kept.write_text("{"), kept.unlink):
        damage()
        with pytest.raises(InputError, match="is gone or damaged: cancel the workflow's jobs and start it again"):
            told_config()
        if kept.exists():
            tell_jobs({"a": 1}, tmp_path)
            assert told_config() == {"a": 1}


@pytest.mark.parametrize(("began_in", "runs_in", "expected"), [(None, None, None), (None, "7", "7"), ("7", "7", None)])
def test_an_allocation_in_which_the_workflow_runs_is_not_the_jobs(tmp_path, began_in, runs_in, expected):
    # Nobody's, before a workflow has begun.
    os.environ |= {} if runs_in is None else {"SLURM_JOB_ID": runs_in}
    assert slurm_job() is None
    os.environ.clear()
    os.environ |= {} if began_in is None else {"SLURM_JOB_ID": began_in}
    tell_jobs({}, tmp_path)
    os.environ |= {} if runs_in is None else {"SLURM_JOB_ID": runs_in}
    assert slurm_job() == expected
