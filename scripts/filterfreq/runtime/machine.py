"""What a machine and its operating system offer, without importing torch, and how the jobs on it share it."""

import ctypes
import fcntl
import os
import signal
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

import psutil

from filterfreq.runtime.errors import InputError

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What asks a process to stop: a cluster before it takes a node away, Ctrl-C, and a terminal that is closed."""

_PR_SET_PDEATHSIG = 1
# Locks on the GPUs of this process; the kernel releases them when it ends, however it ends.
_held: list[int] = []


def has_gpu() -> bool:
    """Return whether the operating system shows a GPU that torch could compute on."""
    # NVIDIA's device files, AMD's, and those of Windows' subsystem for Linux.
    return any(next(Path("/dev").glob(form), None) for form in ("nvidia[0-9]*", "kfd", "dxg"))


def end_with_parent(number: signal.Signals) -> None:
    """Ask the operating system to send this process a signal when its parent ends, however that ends.

    prctl(2), PR_SET_PDEATHSIG; Linux alone has it, elsewhere nothing happens. Without it a process whose parent is
    killed goes on by itself, and a worker of a pool waits for ever.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def handle_stop_requests(stop: Callable[[int, Any], None]) -> None:
    """Have a function called for every signal in `STOP_SIGNALS`, instead of what they do by default.

    A terminal's end that the process is to survive, as nohup(1) has it, stays ignored.
    """
    for number in STOP_SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)


def take_hangup_for_termination() -> None:
    """Have a closed terminal (SIGHUP) end this process as SIGTERM does, or Ctrl-C where SIGTERM would kill it.

    What this process has started is told too: a terminal that closes tells its first process alone. Snakemake knows
    what to do on SIGTERM and Ctrl-C, among it to leave its folder unlocked; of SIGHUP it just dies.
    """

    def terminate(number: int, frame: Any) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.send_signal(signal.SIGHUP)
        if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGTERM)

    # Handlers can be set in the main thread alone, which is not Snakemake's where another program calls it.
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, terminate)


def claim_gpus(count: int) -> list[str]:
    """Take free GPUs for this process and its children, and hide the others from CUDA.

    Each GPU has a lock (fcntl(2)) in a folder of the user's in the system's temporary directory, so that all of a
    user's jobs on the machine keep off each other's GPUs, those of another project too. It must be called before torch
    initialises CUDA, which reads CUDA_VISIBLE_DEVICES then (CUDA C++ Programming Guide, "CUDA Environment Variables").

    Args:
        count: how many.

    Returns:
        Their names as CUDA_VISIBLE_DEVICES has them, of those that are visible already, or else the numbers that
        nvidia-smi shows. None of them where the machine has no NVIDIA GPU, or where Slurm has given the job just what
        it needs; of a Slurm job with more GPUs, in which a whole workflow runs, they are chosen as elsewhere.

    Raises:
        InputError: fewer are free, or the folder of locks is another user's.
    """
    gpus = _visible_gpus() if count else []
    slurm = os.environ.get("SLURM_JOB_ID")
    if not gpus or (slurm and len(gpus) <= count):
        return []
    if count > len(gpus):
        raise InputError(
            f"the job is to have {count} GPUs and there are {len(gpus)}: lower gpu in the config's compute"
        )
    folder = private_folder(tempfile.gettempdir())
    # One process chooses at a time: of two that want two GPUs each, neither takes the one that the other lacks.
    with locking(folder / "gpus.lock"):
        locks: dict[str, int] = {}
        for gpu in gpus:
            # Slurm may number the GPUs of each of its jobs from 0.
            path = folder / f"gpu-{slurm or 'any'}-{gpu.replace('/', '-')}.lock"
            if len(locks) < count and (lock := _lock(path)) is not None:
                locks[gpu] = lock
        if len(locks) < count:
            for lock in locks.values():
                os.close(lock)
            raise InputError(
                f"{len(gpus) - len(locks)} of {len(gpus)} GPUs are taken and the job needs {count}: start snakemake "
                f"with --resources gpu={len(gpus)}, which is how many there are, or fewer where another project runs"
            )
    _held.extend(locks.values())
    # CUDA would count the fastest GPU first, nvidia-smi counts them by their slot.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(locks)
    return list(locks)


def private_folder(parent: str | Path) -> Path:
    """Return this user's folder in a directory that others may write to as well; it is made when it is missing.

    Raises:
        InputError: something that is not a folder of this user's has its name.
        OSError: it cannot be made.
    """
    folder = Path(parent, f"filterfreq-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise InputError(f"{folder} is not a folder of your own: ask its owner to remove it, or set TMPDIR to another")
    return folder


@contextmanager
def locking(path: str | Path) -> Iterator[None]:
    """Hold a lock that one process of the machine has at a time, and wait for it where another has it.

    Raises:
        OSError: the file cannot be made.
    """
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock(path: Path) -> int | None:
    """Lock a file, and return what closing releases, or None where another process has it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # Of POSIX's kind, which workers that outlive a killed job for some seconds do not inherit.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        os.close(file)
        return None
    return file


def _visible_gpus() -> list[str]:
    """The GPUs that CUDA would see, as CUDA_VISIBLE_DEVICES names them."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is None:
        # A container may show /dev/nvidia3 alone, which CUDA counts as 0.
        return [str(number) for number, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))]
    names = [name.strip() for name in given.split(",")]
    # CUDA ignores what comes after a name that is none.
    return list(dict.fromkeys(takewhile(lambda name: name and not name.startswith("-"), names)))


def training_processes(device: str, wanted: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many processes train one run together, and on how many nodes.

    Args:
        device: the config's `compute.device`.
        wanted: the config's `compute.train`: `gpu`, the GPUs of a job, each of which gets a process; on a CPU
            `processes`; optionally `nodes`, that they are spread over evenly.

    Raises:
        InputError: they contradict each other.
    """
    gpus, nodes = wanted.get("gpu", 0) if device != "cpu" else 0, wanted.get("nodes", 1)
    processes = wanted.get("processes", max(1, gpus))
    if gpus > 1 and processes != gpus:
        raise InputError(
            f"compute.train: {processes} processes on {gpus} GPUs, but each GPU has one: leave processes out"
        )
    if processes % nodes:
        raise InputError(f"compute.train: {processes} processes or GPUs cannot be spread evenly over {nodes} nodes")
    return processes, nodes
