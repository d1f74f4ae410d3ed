"""What a machine and its operating system offer, without importing torch."""

import ctypes
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


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
