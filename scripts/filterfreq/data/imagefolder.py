"""Data sets that are folders or archives of class folders: `<split>/<class>/<image>`, with further folders in between.

A class is a folder's name, a label its number among the sorted names; images are ordered by class and name, so that a
folder and an archive of it give the same arrays. Hidden files are left out. So are those that are no images by their
suffix; the `remarks` of `dataset.json` say how many. A data set that stays in files is used in its folder, and of an
archive unpacked once, beside `dataset.json`.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from filterfreq.data.archives import IMAGE_SUFFIXES, list_all, read_files, unpack
from filterfreq.data.download import verify
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.images import decode_image
from filterfreq.data.members import is_hidden
from filterfreq.data.registry import AS_STORED, Dataset, ImageFolder, Rendering
from filterfreq.data.remarks import (
    path_inside,
    remarks_on_classes,
    remarks_on_files,
    remarks_on_images,
    remarks_on_names,
    remarks_on_statistics,
)
from filterfreq.data.saving import save_files, save_splits
from filterfreq.runtime.errors import InputError, list_some
from filterfreq.runtime.files import reading, sha256


def prepare(raw_folder: Path, output_folder: Path, seed: int, dataset: ImageFolder) -> None:
    """Write a folder or an archive of class folders as `filterfreq.data.arrays` describes.

    Mean and std are the entry's, or else measured on the training images, or where there are none on the test images.

    Args:
        raw_folder: holds the archive that `dataset.sources` names, if it names one.
        output_folder: gets `dataset.json` and the arrays.
        seed: fixes the order of the test images, and the split where the entry has a `test_fraction`.
        dataset: the entry, of the registry or of the config.

    Raises:
        InputError: the folder or archive is missing, damaged or unsafe, lacks class folders, has too few images or one
            that cannot be read, a test class that is no training class, or other classes or numbers than in the entry;
            of an entry with `classes_of`, a class that is none of these.
    """
    if dataset.sources:
        (source,) = dataset.sources
        path = Path(raw_folder) / source.file
        verify(source, path)
        checksum = source.checksum
    else:
        path = Path(dataset.path).expanduser()
        checksum = None
    names, folders = list_all(path)

    def found_in(folder: str) -> dict[str, list[str]]:
        if dataset.classes_of:
            return find_known_classes(path, names, folder, folders, dataset)
        return find_classes(path, names, folder, folders=folders)

    tested = test_folder(names) if dataset.test is None else dataset.test
    folder = tested if dataset.train is None else dataset.train
    classes = found_in(folder)
    if not dataset.classes_of and dataset.classes and sorted(dataset.classes) != list(classes):
        raise InputError(f"{path} has the classes {list_some(classes)} in {folder}, not those of {dataset.name}")
    train: dict[str, list[str]] | None = classes
    splits = {folder: classes}
    if dataset.train is None:
        train, test = None, classes
    elif dataset.test_fraction is None:
        test = splits[tested] = found_in(tested)
        for label in test:
            if label not in train:
                raise InputError(
                    f"{path} has the class {label!r} in {tested} but not in {dataset.train}: "
                    "take it out or add images to train on"
                )
    else:
        train, test = split_classes(path, classes, dataset.test_fraction, seed)
    order = list(classes) if not dataset.classes else list(dataset.classes)
    save_images(
        path,
        output_folder,
        replace(dataset, classes=tuple(order)),
        None if train is None else (_names(train, order), _labels(train, order)),
        (_names(test, order), _labels(test, order)),
        seed=seed,
        sources={path.name: checksum} if checksum else {},
        remarks=[
            *remarks_on_names(names, splits),
            *remarks_on_classes(order, train, test),
            *remarks_on_statistics(dataset),
        ],
    )


def save_images(
    path: Path,
    output_folder: str | Path,
    dataset: Dataset,
    train: tuple[list[str], np.ndarray] | None,
    test: tuple[list[str], np.ndarray],
    *,
    seed: int,
    sources: dict[str, str],
    remarks: Sequence[str] = (),
) -> None:
    """Write images of a folder or an archive as the entry's `storage` says, as arrays or as files.

    Args:
        path: the folder or archive.
        output_folder: gets `dataset.json` and the arrays or indices, and where files are wanted what an archive holds,
            in `images/<a part of its checksum>`; what lies there already is not unpacked again.
        dataset: the entry.
        train: names as `list_files` gives them, and labels, int64, N; None where there are none.
        test: likewise, in the source's order.
        seed: fixes the order of the test images.
        sources: checksums of raw files; where they are not known, one of the archive or of the images is added.
        remarks: sentences for `dataset.json`, to which those on the images' orientation and transparency are added.

    Raises:
        InputError: an image is missing or cannot be read, the disk is full, or as for `save_splits`.
    """
    output_folder = Path(output_folder)
    if dataset.storage == "files":
        if not path.is_dir():
            sources = sources or {path.name: f"sha256:{sha256(path)}"}
            path, archive = output_folder / "images" / next(iter(sources.values())).partition(":")[2][:16], path
            if not path.is_dir():
                unpack(archive, path)
        names = [*(train[0] if train else ()), *test[0]]
        files = ImageFiles(path, names, dataset.image_size, rendering=dataset.rendering)
        remarks = [*remarks, *remarks_on_files(files, seed)]
        save_files(output_folder, dataset, path, train, test, seed=seed, sources=sources, remarks=remarks)
        return
    stored = dataset.train_resize or dataset.image_size
    splits = [(test[0], dataset.image_size, dataset.resize)]
    if train is not None:
        splits.append((train[0], stored, dataset.train_resize or dataset.resize))
    (test_images, *train_images), digest, found = read_images(path, *splits, rendering=dataset.rendering)
    sources = sources or {path.name: digest}
    test = test_images, test[1]
    train = train and (train_images[0], train[1])
    save_splits(output_folder, dataset, train, test, seed=seed, sources=sources, remarks=[*remarks, *found])


def find_known_classes(
    path: Path, names: list[str], folder: str, folders: Iterable[str], dataset: Dataset
) -> dict[str, list[str]]:
    """Return the sorted names of images by class, of those classes of a data set that have some.

    Args:
        path: the folder or archive, for messages.
        names: the names of its files.
        folder: the one that holds the class folders, as for `find_classes`.
        folders: the names of its folders.
        dataset: the entry, with its classes.

    Raises:
        InputError: there are no class folders, one that is none of the data set's classes, or no image in any.
    """
    found = find_classes(path, names, folder, least=1, folders=folders, may_be_empty=True)
    check_classes(path, found, dataset)
    classes = {label: images for label, images in found.items() if images}
    if not classes:
        raise InputError(f"{path} has no image in its class folders in {folder!r}: put some in")
    return classes


def describe_known_classes(path: Path, dataset: ImageFolder) -> str:
    """Return how many images a folder has to test on, as "10 images of 5 of 1,000 classes"; empty where of all classes.

    Args:
        path: the folder.
        dataset: the entry, for evaluation alone and with classes that are known.

    Raises:
        InputError: as for `find_known_classes`.
    """
    names, folders = list_all(path)
    found = find_known_classes(path, names, dataset.test or test_folder(names), folders, dataset)
    if len(found) == dataset.num_classes:
        return ""
    return f"{sum(map(len, found.values())):,} images of {len(found):,} of {dataset.num_classes:,} classes"


def check_classes(path: Path, found: Iterable[str], dataset: Dataset) -> None:
    """Refuse class folders that are none of the classes that a data set is said to have.

    Args:
        path: the folder or archive, for the message.
        found: the names of its class folders.
        dataset: the entry, with its classes.

    Raises:
        InputError: one is none of them.
    """
    for label in found:
        if label not in dataset.classes:
            raise InputError(
                f"{path} has a folder {label!r}, which is none of {dataset.classes_of or dataset.name}'s "
                f"{len(dataset.classes)} classes ({', '.join(dataset.classes[:3])}, ...): take it out or rename it"
            )


def find_classes(
    path: Path,
    names: list[str],
    folder: str,
    least: int = 2,
    folders: Iterable[str] = (),
    may_be_empty: bool = False,
) -> dict[str, list[str]]:
    """Return the sorted names of images by class, the classes sorted too.

    Args:
        path: the folder or archive, for messages.
        names: the names of its files.
        folder: the one that holds the class folders, "." being the uppermost. Where everything lies in one folder, the
            path is meant from there, for so most archives come.
        least: how many there must be.
        folders: the names of its folders, by which a class folder is found that is empty.
        may_be_empty: whether a class folder without images is returned as one, and not refused.

    Raises:
        InputError: there are no class folders, or fewer than `least`, or one without images that must have some.
    """
    inside = path_inside(names, folder)
    found: dict[str, list[str]] = {}
    for name in names:
        parts = PurePosixPath(name).parts
        depth = len(inside.parts)
        if parts[:depth] == inside.parts and len(parts) > depth + 1:
            images = found.setdefault(parts[depth], [])
            if name.lower().endswith(IMAGE_SUFFIXES):
                images.append(name)
    for name in folders if found or may_be_empty else ():
        parts = PurePosixPath(name).parts
        if parts[:-1] == inside.parts:
            found.setdefault(parts[-1], [])
    if not found:
        loose = sum(PurePosixPath(name).parent == inside and name.lower().endswith(IMAGE_SUFFIXES) for name in names)
        if loose:
            raise InputError(
                f"{path} has {loose} images in {folder!r} and no class folders: make a folder for each class there and "
                "put its images in"
            )
        beside = sorted({name.partition("/")[0] for name in names})
        raise InputError(f"{path} has no class folders in {folder!r}: it holds {list_some(beside) or 'nothing'}")
    for label, images in found.items():
        if not images and not may_be_empty:
            raise InputError(
                f"{path} has no images in {inside / label}, which would be a class without any: take the folder out, "
                f"or put some in ({', '.join(IMAGE_SUFFIXES)})"
            )
    if len(found) < least:
        raise InputError(f"{path} has one class folder in {folder!r}, {next(iter(found))!r}: there must be two or more")
    return {label: sorted(found[label]) for label in sorted(found)}


def test_folder(names: Collection[str]) -> str:
    """Return the folder of the class folders to test on: "test" or "val", where one holds such folders, or else ".".

    Args:
        names: the names of the files of a folder or an archive.
    """
    for folder in ("test", "val"):
        parts = path_inside(names, folder).parts
        if any(len(name.split("/")) > len(parts) + 1 and name.startswith("/".join(parts) + "/") for name in names):
            return folder
    return "."


def class_folders(path: Path, folder: str | None = None) -> list[str]:
    """Return the sorted names of a folder's class folders, without a look at what is in them.

    Args:
        path: the folder.
        folder: the one in it that holds them, "." being the uppermost; by default as `test_folder` finds it.

    Raises:
        InputError: a folder may not be read.
    """
    folders = ["test", "val", "."] if folder is None else [folder]
    inner = _folders_in(path)
    firsts = {name.split("/")[0] for name in folders}
    if len(inner) == 1 and inner[0].name not in firsts and _folders_in(inner[0]):
        path = inner[0]
    found = (_folders_in(path / name) for name in folders)
    return sorted(inside.name for inside in next(filter(None, found), []))


def _folders_in(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    with reading(path, "look what it is"):
        return [found for found in path.iterdir() if found.is_dir() and not is_hidden(found.name)]


def split_classes(
    path: Path, classes: dict[str, list[str]], fraction: float, seed: int
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Draw a fraction of each class for testing, at least one image, and leave at least one for training.

    Args:
        path: the folder or archive, for the message.
        classes: sorted names of images by class.
        fraction: what part is drawn, above 0 and below 1.
        seed: fixes which.

    Returns:
        The names by class to train and to test on.

    Raises:
        InputError: a class has one image alone.
    """
    # Another stream than that of the order of the test images.
    rng = np.random.default_rng((seed, 1))
    train, test = {}, {}
    for label, names in classes.items():
        if len(names) < 2:
            raise InputError(f"{path} has one image of the class {label!r}: two are needed, to train and to test")
        count = min(max(1, round(fraction * len(names))), len(names) - 1)
        drawn = set(rng.permutation(len(names))[:count].tolist())
        train[label] = [name for i, name in enumerate(names) if i not in drawn]
        test[label] = [name for i, name in enumerate(names) if i in drawn]
    return train, test


def _names(split: dict[str, list[str]], order: list[str]) -> list[str]:
    return [name for label in order for name in split.get(label, [])]


def _labels(split: dict[str, list[str]], order: list[str]) -> np.ndarray:
    counts = [len(split.get(label, [])) for label in order]
    return np.repeat(np.arange(len(order), dtype=np.int64), counts)


def read_images(
    path: Path, *splits: tuple[list[str], int, int | Sequence[int] | None], rendering: Rendering = AS_STORED
) -> tuple[list[np.ndarray], str, list[str]]:
    """Read image files of a folder or an archive, in one pass.

    Args:
        path: the folder or archive.
        splits: for each the names, as `list_files` gives them, and the arguments `size` and `resize` of `decode_image`.
        rendering: what becomes of their orientation and of transparency.

    Returns:
        The images of each split in the order of its names, uint8, N x size x size x 3, a checksum over all names and
        contents, and `remarks_on_images`.

    Raises:
        InputError: a file is missing or no image.
    """
    arrays = [np.empty((len(names), size, size, 3), dtype=np.uint8) for names, size, _ in splits]
    targets = {
        name: (array, i, size, resize)
        for array, (names, size, resize) in zip(arrays, splits, strict=True)
        for i, name in enumerate(names)
    }
    digests = {}

    def contents() -> Iterator[tuple[str, bytes]]:
        for name, content in read_files(path, targets):
            array, i, size, resize = targets[name]
            array[i] = decode_image(content, f"{name} in {path}", size, resize, rendering)
            digests[name] = hashlib.sha256(content).hexdigest()
            yield f"{name} in {path}", content

    remarks = remarks_on_images(contents(), rendering)
    listing = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return arrays, "sha256:" + hashlib.sha256(listing.encode()).hexdigest(), remarks
