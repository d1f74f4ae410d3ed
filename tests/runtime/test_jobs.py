import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"

JOB = """
import sys
from types import SimpleNamespace
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.jobs import job
config = {{"compute": {{"device": "cpu"}}}}
with job(SimpleNamespace(log=[sys.argv[1]], rule="train", config=config)) as logger:
    logger.info("epoch 1")
    {statement}
"""


def run(tmp_path: Path, statement: str) -> tuple[int, str, str]:
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    environment.pop("SLURM_JOB_ID", None)
    command = [sys.executable, "-c", JOB.format(statement=statement), str(tmp_path / "log")]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True)
    place, _, log = (tmp_path / "log").read_text().partition("\n")
    assert re.fullmatch(r"process \d+ on \S+", place)
    return outcome.returncode, outcome.stderr, log


def test_lines_go_to_terminal_and_log(tmp_path):
    code, terminal, log = run(tmp_path, "import time; time.sleep(0.3)")
    assert code == 0
    assert terminal == "epoch 1\n"
    started, worked = re.fullmatch(r"epoch 1\nstarted in ([\d.]+) s, worked for ([\d.]+) s\n", log).groups()
    assert 0 < float(started) < 30
    assert 0.3 <= float(worked) < 5


def test_bad_input_is_one_sentence(tmp_path):
    code, terminal, log = run(tmp_path, "raise InputError('the array a.npy is damaged: make it again')")
    assert code == 1
    assert terminal == log == "epoch 1\nerror: the array a.npy is damaged: make it again\n"


GPU_JOB = """
import os, sys
from types import SimpleNamespace
from filterfreq.runtime.jobs import job
config = {"compute": {"device": sys.argv[2]}}
with job(SimpleNamespace(log=[sys.argv[1]], rule="train", config=config, resources={"gpu": 1})):
    print(os.environ["CUDA_VISIBLE_DEVICES"])
"""


@pytest.mark.parametrize(("device", "seen", "log"), [("auto", "4", "on GPU 4\n"), ("cpu", "4,7", "")])
def test_a_job_has_gpus_of_its_own_unless_it_computes_on_a_cpu(tmp_path, device, seen, log):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
    environment |= {"PYTHONPATH": str(SCRIPTS), "TMPDIR": str(tmp_path), "CUDA_VISIBLE_DEVICES": "4,7"}
    command = [sys.executable, "-c", GPU_JOB, str(tmp_path / "log"), device]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert outcome.stdout == f"{seen}\n"
    assert outcome.stderr == log
    place, _, text = (tmp_path / "log").read_text().partition("\n")
    assert place.startswith("process ")
    assert text.startswith(f"{log}started in")


def test_other_errors_keep_their_traceback(tmp_path):
    code, _, log = run(tmp_path, "1 / 0")
    assert code == 1
    assert "error in rule train" in log
    assert "ZeroDivisionError" in log


def start(tmp_path: Path, statement: str) -> subprocess.Popen:
    """Start a job and return once it has announced itself."""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), "SLURM_JOB_ID": "17"}
    command = [sys.executable, "-c", JOB.format(statement=statement), str(tmp_path / "log")]
    process = subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE)
    assert process.stderr.readline() == "epoch 1\n"
    return process


def test_a_second_process_is_refused_until_the_first_has_ended_however_it_ends(tmp_path):
    with start(tmp_path, "import time; time.sleep(20)") as first:
        environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
        command = [sys.executable, "-c", JOB.format(statement="pass"), str(tmp_path / "log")]
        second = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert second.returncode == 1
        assert re.fullmatch(
            rf"error: another process is at this job already \(process {first.pid} on \S+, Slurm job 17, "
            rf"log {tmp_path}/log\): wait until it has ended, or end it, then run again\n",
            second.stderr,
        )
        first.kill()
    assert (tmp_path / "log").read_text().endswith("Slurm job 17\nepoch 1\n")
    assert run(tmp_path, "pass")[0] == 0


def test_without_locks_a_job_runs(tmp_path):
    statement = "assert sys.argv[1]"
    disabled = JOB.replace(
        "import sys\n",
        "import sys, fcntl\ndef refuse(*_): raise OSError(37, 'no locks available')\nfcntl.lockf = refuse\n",
    )
    command = [sys.executable, "-c", disabled.format(statement=statement), str(tmp_path / "log")]
    assert subprocess.run(command, env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, check=False).returncode == 0


def test_ctrl_c_is_one_line(tmp_path):
    with start(tmp_path, "import time; time.sleep(20)") as process:
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "interrupted: run again to go on\n"
    assert process.returncode == 128 + signal.SIGINT


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_a_job_ends_with_the_process_that_started_it(tmp_path):
    job = JOB.format(statement="import time; time.sleep(20)")
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {job!r}, 'log'])"
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    command = [sys.executable, "-c", parent]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, text=True, stderr=subprocess.PIPE) as process:
        assert process.stderr.readline() == "epoch 1\n"
        process.kill()
        start = time.monotonic()
        # The job has this end of the pipe too, so that it is closed only once the job has ended.
        assert process.stderr.read() == ""
        assert time.monotonic() - start < 10


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_request_to_stop_is_said_and_has_a_status_of_its_own(tmp_path, name):
    statement = f"""
    import os, signal
    from filterfreq.runtime.errors import StoppedError
    from filterfreq.runtime.jobs import stop_requests
    stop = stop_requests()
    assert not stop()
    os.kill(os.getpid(), signal.{name})
    assert stop()
    raise StoppedError('epoch 2 is kept')
    """
    code, terminal, log = run(tmp_path, statement.strip())
    assert code == 128 + signal.SIGTERM
    assert terminal == log == "epoch 1\nepoch 2 is kept\n"


@pytest.mark.parametrize(
    ("began_in", "progressed", "state", "queued"),
    [
        ("", True, "RUNNING", True),
        # The workflow itself runs in this allocation, which is not the job's.
        ("7", True, "RUNNING", False),
        (None, True, "RUNNING", False),
        # Somebody cancelled it.
        ("", True, "CANCELLED", False),
        # Another start of the same length would not come further.
        ("", False, "RUNNING", False),
        # Slurm's commands are not in the container, or may not be run in it.
        ("", True, "missing", False),
        ("", True, "forbidden", False),
    ],
)
def test_a_stopped_job_is_queued_again_where_that_is_its_own_affair(
    tmp_path, monkeypatch, began_in, progressed, state, queued
):
    for name, said in (("squeue", state), ("scontrol", "")):
        if state != "missing":
            (tmp_path / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/called\necho {said}\n')
            (tmp_path / name).chmod(0o644 if state == "forbidden" else 0o755)
    # Nothing else, or a Slurm of the machine would answer where this one may not.
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    if began_in is not None:
        monkeypatch.setenv("FILTERFREQ_BEGAN_IN", began_in)
    code = JOB.format(statement=f"raise StoppedError('epoch 2 is kept', progressed={progressed})")
    code = code.replace("import sys", "import sys\nfrom filterfreq.runtime.errors import StoppedError", 1)
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    outcome = subprocess.run([sys.executable, "-c", code, str(tmp_path / "log")], env=environment, capture_output=True)
    assert outcome.returncode == 128 + signal.SIGTERM
    assert ("Slurm queues job 7 again" in (tmp_path / "log").read_text()) == queued
    called = (tmp_path / "called").read_text() if (tmp_path / "called").exists() else ""
    assert ("scontrol requeue 7" in called) == queued
