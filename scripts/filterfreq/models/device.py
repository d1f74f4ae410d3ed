"""The device a job computes on, its threads, and what it used of them."""

import ctypes
import os
import platform
import resource
import sys
from collections.abc import Mapping
from typing import Any

import torch

from filterfreq.runtime.errors import InputError, unknown_name

PRECISIONS = ("float32", "tf32", "bfloat16")
# Names of mallopt's parameters in glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def use_device(compute: Mapping[str, Any], threads: int) -> torch.device:
    """Set the job's threads, determinism and full float32 precision, and return the device to compute on.

    Args:
        compute: the config's section `compute`: `device` is `cpu`, `cuda`, or `auto` for a GPU where there is one;
            with `on_gpu.deterministic` a GPU uses only kernels that promise equal bits, as a CPU always does.
        threads: CPU threads; results on a CPU are bit-identical for equal numbers of threads.

    Raises:
        InputError: `cuda` is asked for and no GPU is there, or the name is another.
    """
    name = compute["device"]
    if name not in {"auto", "cpu", "cuda"}:
        raise InputError(f"compute.device: {name!r} is none of auto, cpu, cuda")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise InputError(
            "compute.device is cuda but this machine has no usable GPU: run on one, or set it to cpu or auto"
        )
    torch.set_num_threads(threads)
    device = torch.device("cuda" if available and name != "cpu" else "cpu")
    deterministic = is_deterministic(compute, device)
    # cuBLAS needs this before its first call to be reproducible (CUDA's documentation, "Results reproducibility").
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # The same switch as use_deterministic_algorithms, which also imports torch's compiler: a second for every job.
    mode = ("warn" if available else "error") if deterministic else "default"
    torch.set_deterministic_debug_mode(mode)
    torch.backends.cudnn.benchmark = not deterministic
    _set_float32("ieee")
    if device.type == "cpu":
        _keep_freed_memory()
    return device


def is_deterministic(compute: Mapping[str, Any], device: torch.device) -> bool:
    """Return whether equal runs on this device give equal bits: on a CPU always, on a GPU where the config asks."""
    return device.type == "cpu" or compute.get("on_gpu", {}).get("deterministic", False)


def use_precision(compute: Mapping[str, Any], device: torch.device) -> str:
    """Set the precision of training, and return its name.

    Args:
        compute: the config's section `compute`; `on_gpu.precision` is one of `PRECISIONS`, by default bfloat16.
        device: what `use_device` returned.

    Returns:
        "float32" on a CPU; on a GPU what the config asks for: "tf32" rounds the inputs of convolutions and matrix
        products to 10 bits of mantissa, "bfloat16" is automatic mixed precision, for which the training loop cares.

    Raises:
        InputError: an unknown precision.
    """
    precision = compute.get("on_gpu", {}).get("precision", "bfloat16")
    if precision not in PRECISIONS:
        raise unknown_name("compute.on_gpu.precision", precision, PRECISIONS)
    if device.type == "cpu":
        return "float32"
    _set_float32("ieee" if precision == "float32" else "tf32")
    return precision


def _set_float32(precision: str) -> None:
    torch.backends.cudnn.conv.fp32_precision = precision
    torch.backends.cuda.matmul.fp32_precision = precision


def _keep_freed_memory() -> None:
    """Have glibc reuse the memory of tensors instead of giving it back to the system (mallopt(3)).

    By default it returns every large block, and the system clears each page again for the next batch: a quarter to a
    third of the time of evaluating a small network.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, 2**30)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


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
