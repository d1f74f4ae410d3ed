"""What a machine offers, found out without importing torch."""

from pathlib import Path


def has_gpu() -> bool:
    """Return whether the operating system shows a GPU that torch could compute on."""
    # NVIDIA's device files, AMD's, and those of Windows' subsystem for Linux.
    return any(next(Path("/dev").glob(form), None) for form in ("nvidia[0-9]*", "kfd", "dxg"))
