"""What a machine offers, and how a training uses it, found out without importing torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filterfreq.errors import InputError


def has_gpu() -> bool:
    """Return whether the operating system shows a GPU that torch could compute on."""
    # NVIDIA's device files, AMD's, and those of Windows' subsystem for Linux.
    return any(next(Path("/dev").glob(form), None) for form in ("nvidia[0-9]*", "kfd", "dxg"))


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
