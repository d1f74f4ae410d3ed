"""Integers of a run's images, a small file beside its weights whose SHA-256 the run's record has."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from filterfreq.runtime.files import reading, replacing, sha256

REMEDY = "put it back, or delete the run.json beside it and run again, which trains the run again"
"""What to do about a file that is missing or wrong."""


def save_integers(folder: str | Path, file: str, integers: np.ndarray) -> dict[str, str]:
    """Write integers, whole or not at all.

    Args:
        folder: the run's folder, made when it is missing.
        file: the file's name.
        integers: int64, N, at least 0; they are stored as the smallest unsigned integers that hold them.

    Returns:
        What the run's record says of them: the file's name and its SHA-256.

    Raises:
        InputError: the disk is full.
    """
    path = Path(folder) / file
    # An open file, as numpy would add a suffix to a name.
    with replacing(path) as temporary, open(temporary, "wb") as opened:
        np.save(opened, integers.astype(np.min_scalar_type(integers.max(initial=0))))
    return {"file": file, "sha256": sha256(path)}


def load_integers(folder: str | Path, entry: Mapping[str, str]) -> tuple[Path, np.ndarray]:
    """Return where integers lie that `save_integers` has written, and the integers, int64, N.

    Args:
        folder: the run's folder.
        entry: what the run's record says of them. That of a derived run names the file of the run that it is made of.

    Raises:
        InputError: the file is missing or damaged.
    """
    path = Path(os.path.normpath(Path(folder) / entry["file"]))
    with reading(path, REMEDY):
        if sha256(path) != entry["sha256"]:
            raise ValueError("its SHA-256 is not the one in run.json")
        return path, np.load(path, allow_pickle=False).astype(np.int64)
