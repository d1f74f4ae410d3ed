"""The labels that a run is trained with, where they are not those of its data set: a small file beside its weights."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, replacing, sha256

LABELS_FILE = "train_labels.npy"


def save_labels(folder: str | Path, labels: np.ndarray) -> dict[str, str]:
    """Write the labels of a run's training images, whole or not at all.

    Args:
        folder: the run's folder, made when it is missing.
        labels: int64, N, at least 0, in the order of the data set's training images; they are stored as the smallest
            unsigned integers that hold them.

    Returns:
        What the run's record has as "labels": the file's name and its SHA-256.

    Raises:
        InputError: the disk is full.
    """
    path = Path(folder) / LABELS_FILE
    # An open file, as numpy would add a suffix to a name.
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.save(file, labels.astype(np.min_scalar_type(labels.max(initial=0))))
    return {"file": LABELS_FILE, "sha256": sha256(path)}


def load_labels(folder: str | Path, record: Mapping[str, Any], own_labels: np.ndarray) -> np.ndarray:
    """Return the labels that a run was trained with.

    Args:
        folder: the run's folder.
        record: the run's record, or that of one of its snapshots. That of a derived run names the file of the run that
            it is made of.
        own_labels: those of the data set's training images, int64, N.

    Returns:
        int64, N: the stored ones, or `own_labels` where the record has none.

    Raises:
        InputError: the file is missing, damaged, or of other images.
    """
    entry = record.get("labels")
    if entry is None:
        return own_labels
    path = Path(os.path.normpath(Path(folder) / entry["file"]))
    remedy = "put it back, or delete the run.json beside it and run again, which trains the run again"
    with reading(path, remedy):
        if sha256(path) != entry["sha256"]:
            raise ValueError("its SHA-256 is not the one in run.json")
        labels = np.load(path, allow_pickle=False).astype(np.int64)
    if labels.shape != own_labels.shape:
        raise InputError(
            f"{path} has labels of {len(labels)} images, and the data set {len(own_labels)} to train on: {remedy}"
        )
    return labels
