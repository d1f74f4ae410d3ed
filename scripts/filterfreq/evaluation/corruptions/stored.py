"""Corrupted images as they are stored, once for all models. Imports no torch."""

from pathlib import Path

import numpy as np

from filterfreq.data.arrays import open_array
from filterfreq.data.image_files import ImageFiles
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import read_json, reading, sha256
from filterfreq.runtime.schemas import read_record

CHECKSUMS_FILE = "checksums.json"
PUBLISHED_FILE = "published.json"
FILES_FOLDER = "files"

_REMEDY = "delete its folder and run again"


def load_corrupted(path: str | Path, threads: int = 1) -> np.ndarray | ImageFiles:
    """Return corrupted images: uint8, 5n x H x W x 3, severity 1 first, as a read-only memory map.

    Args:
        path: `<corruption>.npy`, which `generate` writes; where `published_corruptions` has left large images in files,
            these are found by `<corruption>.json` beside it.
        threads: how many image files to decode at once.

    Raises:
        InputError: the file or the checksums beside it are missing or damaged, or it holds something else.
    """
    path = Path(path)
    index = path.with_suffix(".json")
    if index.is_file():
        _check_sum(index)
        record = read_record(index, "corrupted", _REMEDY)
        return ImageFiles(path.parent / FILES_FOLDER, record["names"], record["size"], threads=threads)
    images = open_array(path, _REMEDY)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise InputError(
            f"{path} holds {images.dtype} {list(images.shape)} where uint8 of 5n x H x W x 3 is needed: {_REMEDY}"
        )
    _check_sum(path)
    return images


def find_published(folder: str | Path) -> list[str]:
    """Return the corruptions in a folder whose images are the published ones.

    Raises:
        InputError: the file that says so is damaged.
    """
    path = Path(folder, PUBLISHED_FILE)
    return read_record(path, "published", _REMEDY)["corruptions"] if path.is_file() else []


def _check_sum(path: Path) -> None:
    recorded = read_json(path.with_name(CHECKSUMS_FILE), _REMEDY).get(path.stem)
    with reading(path, _REMEDY):
        found = sha256(path)
    if found != recorded:
        raise InputError(f"{path} does not have its recorded SHA-256: {_REMEDY}")
