"""The device a job computes on, its threads, and what it used of them."""

import os
import resource
import sys

import torch

from filterfreq.errors import InputError


def use_device(name: str, threads: int) -> torch.device:
    """Set the job's threads and determinism, and return the device to compute on.

    Args:
        name: `cpu`, `cuda`, or `auto` for a GPU where there is one.
        threads: CPU threads; results on a CPU are bit-identical for equal numbers of threads.

    Raises:
        InputError: `cuda` is asked for and no GPU is there, or the name is another.
    """
    if name not in {"auto", "cpu", "cuda"}:
        raise InputError(f"compute.device: {name!r} is none of auto, cpu, cuda")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise InputError(
            "compute.device is cuda but this machine has no usable GPU: run on one, or set it to cpu or auto"
        )
    torch.set_num_threads(threads)
    # cuBLAS needs this before its first call to be reproducible (CUDA's documentation, "Results reproducibility").
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # The same switch as use_deterministic_algorithms, which also imports torch's compiler: a second for every job.
    torch.set_deterministic_debug_mode("warn" if available else "error")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def describe_device(device: torch.device) -> str:
    """Name the device and the number of threads for a run's provenance."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu, {torch.get_num_threads()} threads"


def peak_memory_mb(device: torch.device) -> float:
    """Return the peak memory of this process in MiB: resident on a CPU, allocated on a GPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes (getrusage(2) of each).
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
