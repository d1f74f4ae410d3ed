"""Which training images a run was trained on or validated with, where they are some of its data set's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from filterfreq.data.stored_integers import REMEDY, load_integers, save_integers
from filterfreq.runtime.errors import InputError

INDICES_FILES = {"trained_on": "trained_images.npy", "validated_with": "validation_images.npy"}
"""By the key of a run's record."""


def save_indices(folder: str | Path, key: str, indices: np.ndarray) -> dict[str, str]:
    """Write indices of a data set's training images, whole or not at all.

    Args:
        folder: the run's folder, made when it is missing.
        key: of `INDICES_FILES`.
        indices: int64, N.

    Returns:
        What the run's record has under the key: the file's name and its SHA-256.

    Raises:
        InputError: the disk is full.
    """
    return save_integers(folder, INDICES_FILES[key], indices)


def load_indices(folder: str | Path, record: Mapping[str, Any], key: str, available: int) -> np.ndarray | None:
    """Return indices of a data set's training images; None where the run's record has none, which are all of them.

    Args:
        folder: the run's folder.
        record: the run's record, or that of one of its snapshots.
        key: of `INDICES_FILES`.
        available: how many training images the data set has.

    Raises:
        InputError: the file is missing, damaged, or of other images.
    """
    if key not in record:
        return None
    path, indices = load_integers(folder, record[key])
    if indices.ndim != 1 or (len(indices) and indices.max() >= available):
        raise InputError(f"{path} has indices that the {available} training images of the data set lack: {REMEDY}")
    return indices
