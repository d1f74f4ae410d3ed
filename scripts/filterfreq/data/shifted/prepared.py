"""Prepared shifted sets: `set.json` with names, labels and where the images lie. Imports no torch.

Small images are an array beside it, `images.npy`, uint8, N x H x W x 3. Large ones stay in files, in the folder `files`
beside it or in the user's own. A set that is another data set's test images refers to that. Images are in an order of
which every prefix is close to class-balanced.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from filterfreq.data.arrays import PreparedDataset, open_array
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.registry import Rendering
from filterfreq.data.saving import rendering_record
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import replacing, sha256, write_json
from filterfreq.runtime.schemas import read_record

RECORD = "set.json"
IMAGES = "images.npy"

_REMEDY = "delete its folder and run again"


def save_shifted(
    folder: Path,
    identity: dict[str, str],
    classes: list[str],
    labels: np.ndarray | None,
    images: np.ndarray | ImageFiles | Path,
    sources: dict[str, str],
    remarks: Sequence[str] = (),
) -> None:
    """Write a shifted set, its record last.

    Args:
        folder: where it goes.
        identity: name, shift_of and folders of the entry.
        classes: the names of its classes, as the entry's `folders` says.
        labels: int64, N, indices into them; None where the images are a data set's.
        images: uint8, N x H x W x 3; files, in `folder` or elsewhere; or the folder of a prepared data set.
        sources: what it was made from: checksums of raw files, versions of packages.
        remarks: sentences on what was found and left out, or taken in one of several ways.

    Raises:
        InputError: the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(images, ImageFiles):
        inside = images.folder.is_relative_to(folder)
        where: dict[str, Any] = {
            "folder": str(images.folder.relative_to(folder) if inside else images.folder.resolve()),
            "names": list(images.names),
            "size": images.size,
            "resize": images.resize,
        } | rendering_record(images.rendering)
    elif isinstance(images, Path):
        where = {"dataset": os.path.relpath(images, folder)}
    else:
        with replacing(folder / IMAGES) as temporary:
            np.save(temporary, images, allow_pickle=False)
        where = {"sha256": sha256(folder / IMAGES)}
    record = identity | {
        "classes": classes,
        "labels": None if labels is None else labels.tolist(),
        "images": where,
        "sources": sources,
        **({"remarks": list(remarks)} if remarks else {}),
    }
    write_json(folder / RECORD, record, indent=None)


class PreparedShift:
    """A prepared shifted set on disk.

    Args:
        folder: where `set.json` lies.
        threads: how many image files to decode at once.

    Attributes:
        name: the set's name.
        classes: the names of its classes.
        folders: what these name, see `filterfreq.data.shifted.registry.ShiftedSet`.

    Raises:
        InputError: the record is missing or damaged.
    """

    def __init__(self, folder: str | Path, threads: int = 1) -> None:
        self.folder = Path(folder)
        self.threads = threads
        self.record = read_record(self.folder / RECORD, "set", _REMEDY)
        self.name: str = self.record["name"]
        self.classes: list[str] = self.record["classes"]
        self.folders: str = self.record["folders"]
        other = self.record["images"].get("dataset")
        self._dataset = other and PreparedDataset(Path(os.path.normpath(self.folder / other)), threads)
        if (self.record["labels"] is None) != bool(other):
            raise InputError(f"{self.folder / RECORD} has labels of images that it has not, or none of its: {_REMEDY}")

    def images(self) -> np.ndarray | ImageFiles:
        """Return the images, uint8, N x H x W x 3: a verified memory map, or files.

        Raises:
            InputError: the array is missing, truncated or was changed.
        """
        where = self.record["images"]
        if self._dataset:
            return self._dataset.images("test")
        if "names" in where:
            files = self.folder / where["folder"]
            rendering = Rendering(**where.get("rendering", {}))
            return ImageFiles(files, where["names"], where["size"], where["resize"], self.threads, rendering)
        path = self.folder / IMAGES
        images = open_array(path, _REMEDY)
        if sha256(path) != where["sha256"]:
            raise InputError(f"{path} does not have its recorded SHA-256: {_REMEDY}")
        return images

    def labels(self) -> np.ndarray:
        """Return the labels of the images, int64, N, indices into `classes`.

        Raises:
            InputError: there is another number of them than of images, or one is none of the classes.
        """
        if self._dataset:
            return self._dataset.labels("test")
        labels = np.array(self.record["labels"], dtype=np.int64)
        names = self.record["images"].get("names")
        count = len(open_array(self.folder / IMAGES, _REMEDY) if names is None else names)
        if len(labels) != count or labels.max() >= len(self.classes):
            raise InputError(f"{self.folder / RECORD} has labels that are not those of its images: {_REMEDY}")
        return labels
