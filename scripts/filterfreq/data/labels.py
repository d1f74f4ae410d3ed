"""The labels that a run is trained with, where they are not those of its data set: a small file beside its weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from filterfreq.data.stored_integers import REMEDY, load_integers, save_integers
from filterfreq.runtime.errors import InputError

LABELS_FILE = "train_labels.npy"


def save_labels(folder: str | Path, labels: np.ndarray) -> dict[str, str]:
    """Write the labels of a run's training images, whole or not at all.

    Args:
        folder: the run's folder, made when it is missing.
        labels: int64, N, at least 0, in the order of the data set's training images.

    Returns:
        What the run's record has as "labels": the file's name and its SHA-256.

    Raises:
        InputError: the disk is full.
    """
    return save_integers(folder, LABELS_FILE, labels)


def load_labels(folder: str | Path, record: Mapping[str, Any], own_labels: np.ndarray) -> np.ndarray:
    """Return the labels that a run was trained with.

    Args:
        folder: the run's folder.
        record: the run's record, or that of one of its snapshots.
        own_labels: those of the data set's training images, int64, N.

    Returns:
        int64, N: the stored ones, or `own_labels` where the record has none.

    Raises:
        InputError: the file is missing, damaged, or of other images.
    """
    entry = record.get("labels")
    if entry is None:
        return own_labels
    path, labels = load_integers(folder, entry)
    if labels.shape != own_labels.shape:
        raise InputError(
            f"{path} has labels of {len(labels)} images, and the data set {len(own_labels)} to train on: {REMEDY}"
        )
    return labels
