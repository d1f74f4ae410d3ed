"""Claims of GPUs by real processes (CUDA itself is not asked, so that no GPU is needed), and who trains on them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from filterfreq.runtime import machine
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.machine import training_processes

SCRIPTS = Path(__file__).parents[2] / "scripts"

# Says what it got, and keeps it until its standard input is closed.
HOLDER = """
import os, sys
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.machine import claim_gpus
try:
    claimed = claim_gpus(int(sys.argv[1]))
    print(*claimed, "as", os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("CUDA_DEVICE_ORDER"), flush=True)
    sys.stdin.read()
except InputError as error:
    print(error, flush=True)
"""


@pytest.fixture
def start(tmp_path):
    """Start processes that claim GPUs; all are ended after the test."""
    processes = []

    def start(count: int, visible: str | None = "2,GPU-7f,5", **environment: str) -> subprocess.Popen:
        variables = {key: value for key, value in os.environ.items() if not key.startswith(("CUDA_", "SLURM_"))}
        variables |= {"PYTHONPATH": str(SCRIPTS), "TMPDIR": str(tmp_path), **environment}
        if visible is not None:
            variables["CUDA_VISIBLE_DEVICES"] = visible
        command = [sys.executable, "-c", HOLDER, str(count)]
        process = subprocess.Popen(
            command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen) -> str:
    return process.stdout.readline().strip()


def test_processes_that_start_together_get_gpus_of_their_own(start):
    holders = [start(1) for _ in range(3)]
    got = {said(holder) for holder in holders}
    assert got == {f"{gpu} as {gpu} PCI_BUS_ID" for gpu in ("2", "GPU-7f", "5")}
    assert said(start(1)) == (
        "3 of 3 GPUs are taken and the job needs 1: start snakemake with --resources gpu=3, which is how many there "
        "are, or fewer where another project runs"
    )


def test_a_gpu_is_free_again_however_its_holder_ends(start):
    killed = start(2)
    assert said(killed) == "2 GPU-7f as 2,GPU-7f PCI_BUS_ID"
    ended = start(1)
    assert said(ended) == "5 as 5 PCI_BUS_ID"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert said(start(1)) == "2 as 2 PCI_BUS_ID"
    assert ended.communicate()[0] == ""
    assert said(start(2)) == "GPU-7f 5 as GPU-7f,5 PCI_BUS_ID"


def test_of_two_that_want_all_gpus_one_gets_them(start):
    for _ in range(3):
        together = [start(3), start(3)]
        outcomes = sorted(said(holder) for holder in together)
        assert outcomes[0] == "2 GPU-7f 5 as 2,GPU-7f,5 PCI_BUS_ID" or outcomes[1].startswith("2 GPU-7f 5 as")
        assert any(outcome.startswith("3 of 3 GPUs are taken") for outcome in outcomes)
        for holder in together:
            holder.communicate()


def test_a_job_that_fails_to_get_several_keeps_none(start):
    one = start(1)
    assert said(one).startswith("2 as")
    assert said(start(3)).startswith("1 of 3 GPUs are taken and the job needs 3")
    assert said(start(2)).startswith("GPU-7f 5 as")


def test_jobs_of_a_workflow_inside_one_slurm_job_share_its_gpus(start):
    assert [said(start(1, "0,1", SLURM_JOB_ID="17")) for _ in range(2)] == ["0 as 0 PCI_BUS_ID", "1 as 1 PCI_BUS_ID"]
    assert said(start(1, "0,1", SLURM_JOB_ID="17")).startswith("2 of 2 GPUs are taken")
    # Another job's GPU 0 is another one.
    assert said(start(1, "0,1", SLURM_JOB_ID="18")) == "0 as 0 PCI_BUS_ID"


@pytest.mark.parametrize(
    ("count", "visible", "environment", "expected"),
    [
        # Slurm has chosen, and numbers the GPUs of a job from 0.
        (1, "0", {"SLURM_JOB_ID": "17"}, "as 0 None"),
        (0, "0,1", {}, "as 0,1 None"),
        (1, "", {}, "as  None"),
        (1, "-1,0", {}, "as -1,0 None"),
        (1, "1,0", {"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}, "1 as 1 FASTEST_FIRST"),
        (1, "MIG-GPU-7f/1/0", {}, "MIG-GPU-7f/1/0 as MIG-GPU-7f/1/0 PCI_BUS_ID"),
        (2, "3", {}, "the job is to have 2 GPUs and there are 1: lower gpu in the config's compute"),
    ],
)
def test_what_is_visible_is_respected(start, count, visible, environment, expected):
    assert said(start(count, visible, **environment)) == expected


def test_gpus_are_counted_by_their_device_files(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("nvidia3", "nvidia10", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    monkeypatch.setattr(machine, "Path", lambda *parts: Path(*(tmp_path if part == "/dev" else part for part in parts)))
    assert machine._visible_gpus() == ["0", "1"]


def test_locks_of_another_user_are_not_trusted(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"filterfreq-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"filterfreq-\d+ is not a folder of your own: ask its owner to remove it"):
        machine.private_folder(tmp_path)
    assert machine.private_folder(tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("device", "wanted", "expected"),
    [
        ("cuda", {}, (1, 1)),
        ("cuda", {"gpu": 1}, (1, 1)),
        ("cuda", {"gpu": 4}, (4, 1)),
        ("auto", {"gpu": 8, "nodes": 2}, (8, 2)),
        ("cpu", {"gpu": 4}, (1, 1)),
        ("cpu", {"processes": 4, "nodes": 4}, (4, 4)),
    ],
)
def test_each_gpu_has_a_process(device, wanted, expected):
    assert training_processes(device, wanted) == expected


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match=r"compute\.train: 2 processes on 4 GPUs, but each GPU has one"):
        training_processes("cuda", {"gpu": 4, "processes": 2})
    with pytest.raises(InputError, match=r"compute\.train: 3 processes or GPUs cannot be spread evenly over 2 nodes"):
        training_processes("cuda", {"gpu": 3, "nodes": 2})


# Says which of the signals it has received, after it has sent each to itself.
HUNG_UP = """
import os, signal, sys
from filterfreq.runtime.machine import STOP_SIGNALS, handle_stop_requests, take_hangup_for_termination
if sys.argv[1] == "job":
    handle_stop_requests(lambda number, frame: print(signal.Signals(number).name, flush=True))
    for number in STOP_SIGNALS:
        os.kill(os.getpid(), number)
else:
    if sys.argv[1] == "scheduling":
        signal.signal(signal.SIGTERM, lambda number, frame: print("SIGTERM", flush=True))
    take_hangup_for_termination()
    try:
        os.kill(os.getpid(), signal.SIGHUP)
    except KeyboardInterrupt:
        print("KeyboardInterrupt", flush=True)
print("goes on")
"""


@pytest.mark.parametrize("ignored", [False, True], ids=["terminal", "nohup"])
@pytest.mark.parametrize(
    ("process", "received"),
    [("job", ["SIGTERM", "SIGINT", "SIGHUP"]), ("scheduling", ["SIGTERM"]), ("planning", ["KeyboardInterrupt"])],
)
def test_what_nohup_protects_stays_protected(process, received, ignored):
    def start_as(handler=signal.SIG_IGN if ignored else signal.SIG_DFL):
        signal.signal(signal.SIGHUP, handler)

    command = [sys.executable, "-c", HUNG_UP, process]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, preexec_fn=start_as)
    expected = received if not ignored else received[:2] if process == "job" else []
    assert outcome.stdout.split("\n") == [*expected, "goes on", ""], outcome.stderr
