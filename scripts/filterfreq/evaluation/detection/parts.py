"""What a detector has found so far, in files of some images each, so that an interrupted job goes on from there."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import (
    may_be_whole,
    reading,
    replacing,
    replacing_with_checksum,
    verify_checksum,
    verify_zip,
)

COLUMNS: tuple[str, ...] = ("image_id", "left", "top", "width", "height", "score", "category_id")
"""Of an array of detections, float64, N x 7, as pycocotools takes it; lengths in pixels."""

_FINGERPRINT = "fingerprint"
_IMAGES = "images"


class Parts:
    """Detections of some images after others, each lot in a file that appears whole or not at all.

    Where a long evaluation keeps flags (`filterfreq.evaluation.progress`), one file is written again and again; what is
    found on thousands of images is too large for that.

    Attributes:
        done: the numbers of the images that are done.

    Args:
        folder: where the files are; it need not exist.
        fingerprint: JSON-ready; identifies detector, images, settings and code. Files with another one are not used.
        announce: takes one line, where there is something to go on from.

    Raises:
        InputError: a file may not be read.
    """

    def __init__(
        self, folder: str | Path, fingerprint: Any, announce: Callable[[str], None] = lambda line: None
    ) -> None:
        self.folder = Path(folder)
        self.fingerprint = json.dumps(fingerprint, sort_keys=True)
        self._parts: list[dict[str, np.ndarray]] = []
        self.done: set[int] = set()
        for path in sorted(self.folder.glob("[0-9]*.npz")):
            part = _read(path, self.fingerprint)
            if part is None:
                # Of another job, or half a file as a lost node may leave it, and with it what came after.
                break
            self._parts.append(part)
            self.done |= set(part.pop(_IMAGES).tolist())
        if self.done:
            announce(f"goes on after {len(self.done)} images, kept in {self.folder}")

    def add(self, image_ids: list[int], detections: Mapping[str, np.ndarray]) -> None:
        """Keep what was found on some images.

        Args:
            image_ids: their numbers.
            detections: by pass, arrays with the columns `COLUMNS`.

        Raises:
            InputError: the disk is full.
        """
        with replacing(self.folder / f"{len(self._parts):06}.npz") as temporary, open(temporary, "wb") as file:
            np.savez(file, **detections, fingerprint=self.fingerprint, images=np.array(image_ids, np.int64))
        self._parts.append(dict(detections))
        self.done |= set(image_ids)

    def detections(self) -> dict[str, np.ndarray]:
        """Return what was found on all images that are done, by pass, in the order of the images' numbers."""
        joined = {name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]}
        return {name: rows[np.argsort(rows[:, 0], kind="stable")] for name, rows in joined.items()}

    def save(self, path: str | Path) -> None:
        """Write what was found on all images as one file, whole or not at all, and its checksum beside it.

        Raises:
            InputError: the disk is full.
        """
        with replacing_with_checksum(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **self.detections())

    def remove(self) -> None:
        """Remove the files, once the result is written."""
        shutil.rmtree(self.folder, ignore_errors=True)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read arrays by name, as `Parts.save` and the scripts of detection write them.

    Raises:
        InputError: the file is missing, damaged, or was changed since it was written.
    """
    with reading(path, "make it again"):
        verify_zip(path)
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    verify_checksum(path)
    return found


def _read(path: Path, fingerprint: str) -> dict[str, np.ndarray] | None:
    """One file's arrays; None where it is another job's, or damaged."""
    try:
        with reading(path, "run again"):
            verify_zip(path)
            with np.load(path, allow_pickle=False) as arrays:
                part = {name: arrays[name] for name in arrays.files}
    except InputError as error:
        if may_be_whole(error):
            raise
        return None
    return part if str(part.pop(_FINGERPRINT, "")) == fingerprint and _IMAGES in part else None
