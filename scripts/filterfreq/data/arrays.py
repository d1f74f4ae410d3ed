"""Prepared data: memory-mapped uint8 arrays or image files, and a `dataset.json` beside them that describes them.

`dataset.json` holds the name, the class names, mean and std per channel, the seed, the checksums of the sources, and
file, SHA-256, shape and dtype of every array:

- `train_images`, `test_images`, optionally `cue_conflict_images`: uint8, N x H x W x 3;
- `train_labels`, `test_labels`, optionally `cue_conflict_shapes`, `cue_conflict_textures`: int64, N, class indices;
- optionally `test_order`: int64, N, the number of each test image among those of the source.

A data set for evaluation alone has no train split, in arrays or in files.

Of a data set whose images stay in files, `files` says for each split, train and test:

- `folder`: where the images lie, absolute or relative to that of `dataset.json`;
- `index`, `sha256`, `length`: a csv of the images' paths in it and their labels, `file,label`, its checksum and lines;
- `size`: height and width of the images as `PreparedDataset.images` gives them;
- `resize`: the shorter side, or [height, width], before the centre is cut out; null where it is `size`. That of train
  holds before the augmentation too, and null leaves it images in their own size;
- `rendering`, where it is not as stored: whether images are turned `upright`, and the `background` of transparent ones.

`remarks` are sentences on what was found and left out or taken in one of several ways; where there are none it is not
there.

The test images are in an order of which every prefix is close to class-balanced, so that an evaluation may take the
first n of them.
"""

import csv
from pathlib import Path

import numpy as np

from filterfreq.data.image_files import ImageFiles
from filterfreq.data.registry import Rendering
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading, sha256
from filterfreq.runtime.schemas import read_record


def open_array(path: str | Path, remedy: str) -> np.ndarray:
    """Return a .npy file as a read-only memory map.

    Args:
        path: the file.
        remedy: what to do when it cannot be read, for the message.

    Raises:
        InputError: the file is missing or damaged, or is no .npy file.
    """
    with reading(path, remedy):
        # Not np.load, which would open a file of several arrays, too; objects, which could be code, it refuses.
        return np.lib.format.open_memmap(path, mode="r")


def copied_images(copy: Path, split: str) -> Path:
    """Return the folder in which a copy of a data set holds the image files of a split, by their names in its index."""
    return copy / f"{split}_images"


class PreparedDataset:
    """A prepared data set on disk; opening it checks that every array is there, whole, and of the recorded kind.

    Of images in files it checks the index and that their folder is there; each file is checked when it is read.

    Args:
        folder: where it lies.
        threads: how many image files to decode at once.
        copy: a folder that holds the arrays under the same names, and the image files in `copied_images`: these are
            read there.

    Attributes:
        folder: where it lies.
        record: the content of `dataset.json`.
        name: the name in the registry.
        classes: class names.
        num_classes: how many.
        mean: per channel, in units of [0, 1].
        std: per channel, likewise.
        files: by split what `dataset.json` says of images in files; empty where they are arrays.

    Raises:
        InputError: `dataset.json` is missing or damaged, or an array is missing, truncated, or of another shape or
            dtype than recorded, or an index of files is missing or changed, or their folder is missing.
    """

    def __init__(self, folder: str | Path, threads: int = 1, copy: Path | None = None) -> None:
        self.folder = Path(folder)
        self.threads = threads
        self.copy = copy
        self.record = read_record(self.folder / "dataset.json", "dataset", _remedy("the data set", self.folder))
        self.name: str = self.record["name"]
        self.classes: tuple[str, ...] = tuple(self.record["classes"])
        self.num_classes = len(self.classes)
        self.mean: tuple[float, ...] = tuple(self.record["mean"])
        self.std: tuple[float, ...] = tuple(self.record["std"])
        self.files: dict[str, dict] = self.record.get("files", {})
        for name in self.record["arrays"]:
            self.array(name, verify=False)
        self._check_lengths()
        for split in self.files:
            self._check_files(split)

    @property
    def checksums(self) -> dict[str, str]:
        """The SHA-256 of each array and index of files, by its name."""
        indices = {Path(entry["index"]).stem: entry["sha256"] for entry in self.files.values()}
        return {name: entry["sha256"] for name, entry in self.record["arrays"].items()} | indices

    @property
    def image_size(self) -> int:
        """Height and width in pixels of the test images, and of what training cuts out of its own."""
        return self.files["test"]["size"] if self.files else self.array("test_images", verify=False).shape[1]

    def has_split(self, split: str) -> bool:
        """Return whether there are images of a split, "train", "test" or "cue_conflict"."""
        return split in self.files or f"{split}_images" in self.record["arrays"]

    def array(self, name: str, verify: bool = True) -> np.ndarray:
        """Return an array as a read-only memory map.

        Args:
            name: one of the names in the module's description.
            verify: also compare the checksum, and labels with the number of classes; reads the whole file.

        Raises:
            InputError: the array is not part of this data set, missing, truncated, changed, of another shape or dtype
                than recorded, or holds labels out of range.
        """
        entry = self.record["arrays"].get(name)
        if entry is None:
            raise InputError(f"data set {self.name} in {self.folder} has no array {name!r}: {self._names()}")
        path = (self.copy or self.folder) / entry["file"]
        array = open_array(path, self._remedy)
        if list(array.shape) != entry["shape"] or str(array.dtype) != entry["dtype"]:
            raise InputError(
                f"{path} holds {array.dtype} {list(array.shape)}, but dataset.json says {entry['dtype']} "
                f"{entry['shape']}: {self._remedy}"
            )
        check_kind(path, name, array)
        if verify:
            if sha256(path) != entry["sha256"]:
                raise InputError(f"{path} does not have its recorded SHA-256: {self._remedy}")
            check_labels(path, array, self.num_classes)
        return array

    def images(self, split: str) -> np.ndarray | ImageFiles:
        """Return the images of a split, "train", "test" or "cue_conflict": uint8, N x H x W x 3.

        Arrays are verified; images in files are `ImageFiles`, which are decoded part by part.

        Raises:
            InputError: as for `array`, or an index of files is damaged.
        """
        if split not in self.files:
            return self.array(f"{split}_images")
        entry = self.files[split]
        names, _ = self._index(split)
        rendering = Rendering(**entry.get("rendering", {}))
        return ImageFiles(self._image_folder(split), names, entry["size"], entry["resize"], self.threads, rendering)

    def labels(self, split: str) -> np.ndarray:
        """Return the verified labels of a split, "train" or "test": int64, N.

        Raises:
            InputError: as for `images`.
        """
        return self._index(split)[1] if split in self.files else self.array(f"{split}_labels")

    def _index(self, split: str) -> tuple[list[str], np.ndarray]:
        """Read the paths of a split's files and their labels."""
        entry = self.files[split]
        path = self.folder / entry["index"]
        with reading(path, self._remedy):
            with open(path, newline="", encoding="utf-8") as file:
                rows = list(csv.reader(file))[1:]
            names, labels = [name for name, _ in rows], np.array([int(label) for _, label in rows], dtype=np.int64)
            if any("/../" in f"/{name}/" or name.startswith("/") for name in names):
                raise ValueError("a path that leads out of the folder of images")
        if len(rows) != entry["length"]:
            raise InputError(f"{path} has {len(rows)} images, but dataset.json says {entry['length']}: {self._remedy}")
        check_labels(path, labels, self.num_classes)
        return names, labels

    def _image_folder(self, split: str) -> Path:
        return copied_images(self.copy, split) if self.copy else self.folder / self.files[split]["folder"]

    def _check_files(self, split: str) -> None:
        entry, images = self.files[split], self._image_folder(split)
        path = self.folder / entry["index"]
        with reading(path, self._remedy):
            found = sha256(path)
        if found != entry["sha256"]:
            raise InputError(f"{path} does not have its recorded SHA-256: {self._remedy}")
        if not images.is_dir():
            raise InputError(
                f"the images of data set {self.name} are gone, there is no folder {images}: put it back, or prepare "
                "the data set again"
            )

    def _check_lengths(self) -> None:
        for split in ("train", "test", "cue_conflict"):
            shapes = {name: entry["shape"] for name, entry in self.record["arrays"].items() if name.startswith(split)}
            if len({shape[0] for shape in shapes.values()}) > 1:
                raise InputError(f"{' and '.join(shapes)} in {self.folder} differ in length: {self._remedy}")

    @property
    def _remedy(self) -> str:
        return _remedy(f"data set {self.name}", self.folder)

    def _names(self) -> str:
        return f"it has {', '.join(self.record['arrays'])}"


def _remedy(what: str, folder: Path) -> str:
    # By name, because in one run with trainings Snakemake would train again: it compares contents of what is there.
    record = folder / "dataset.json"
    return f"prepare {what} again: snakemake --force {record}"


def check_kind(path: Path, name: str, array: np.ndarray) -> None:
    """Check that an array has the type and the shape that its name says.

    Raises:
        InputError: it has not.
    """
    if name.endswith("_images"):
        well_formed = array.dtype == np.uint8 and array.ndim == 4 and array.shape[3] == 3
        wanted = "uint8 of N x H x W x 3"
    else:
        well_formed = array.dtype == np.int64 and array.ndim == 1
        wanted = "int64 of N"
    if not well_formed or len(array) == 0:
        raise InputError(f"{path} holds {array.dtype} {list(array.shape)} where {wanted} is needed: prepare it again")


def check_labels(path: Path, array: np.ndarray, num_classes: int) -> None:
    """Check that labels are of so many classes, or an order one of all its images.

    Raises:
        InputError: it is not.
    """
    if path.stem == "test_order":
        if not np.array_equal(np.sort(array), np.arange(len(array))):
            raise InputError(f"{path} is no order of {len(array)} images: prepare it again")
    elif array.ndim == 1 and (array.min() < 0 or array.max() >= num_classes):
        raise InputError(
            f"{path} holds labels from {array.min()} to {array.max()}, but there are {num_classes} classes: "
            "prepare it again"
        )
