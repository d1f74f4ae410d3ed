"""Data sets that are folders or archives of class folders: `<split>/<class>/<image>`, with further folders in between.

A class is a folder's name, a label its place among the sorted names; images are ordered by class and name, so that a
folder and an archive of it give the same arrays. Hidden files, and those that are no images by their suffix, are left
out. A data set that stays in files is used in its folder, and of an archive unpacked once, beside `dataset.json`.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from filterfreq.data.archives import IMAGE_SUFFIXES, list_files, read_files, unpack
from filterfreq.data.arrays import save_files, save_splits
from filterfreq.data.download import verify
from filterfreq.data.images import decode_image
from filterfreq.data.registry import Dataset, ImageFolder
from filterfreq.errors import InputError, some_of
from filterfreq.files import sha256


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
    names = list_files(path)
    folder = dataset.test if dataset.train is None else dataset.train
    classes = find_classes(path, names, folder, 1 if dataset.classes_of else 2)
    if dataset.classes_of:
        check_classes(path, classes, dataset)
    elif dataset.classes and sorted(dataset.classes) != list(classes):
        raise InputError(f"{path} has the classes {some_of(classes)} in {folder}, not those of {dataset.name}")
    train: dict[str, list[str]] | None = classes
    if dataset.train is None:
        train, test = None, classes
    elif dataset.test_fraction is None:
        test = find_classes(path, names, dataset.test, 1 if dataset.classes_of else 2)
        for label in test:
            if label not in train:
                raise InputError(
                    f"{path} has the class {label!r} in {dataset.test} but not in {dataset.train}: "
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
        save_files(output_folder, dataset, path, train, test, seed=seed, sources=sources)
        return
    stored = dataset.train_resize or dataset.image_size
    splits = [(test[0], dataset.image_size, dataset.resize)]
    if train is not None:
        splits.append((train[0], stored, dataset.train_resize or dataset.resize))
    (test_images, *train_images), digest = read_images(path, *splits)
    sources = sources or {path.name: digest}
    test = test_images, test[1]
    train = train and (train_images[0], train[1])
    save_splits(output_folder, dataset, train, test, seed=seed, sources=sources)


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


def find_classes(path: Path, names: list[str], folder: str, least: int = 2) -> dict[str, list[str]]:
    """Return the sorted names of images by class, the classes sorted too.

    Args:
        path: the folder or archive, for messages.
        names: the names of its files.
        folder: the one that holds the class folders, "." being the uppermost. Where everything lies in one folder, the
            path is meant from there, for so most archives come.
        least: how many there must be.

    Raises:
        InputError: there are no class folders, or fewer than `least`, or one without images.
    """
    inside = PurePosixPath(folder)
    tops = {name.partition("/")[0] for name in names if "/" in name}
    if len(tops) == 1 and inside.parts[:1] != tuple(tops):
        inside = PurePosixPath(*tops, inside)
    found: dict[str, list[str]] = {}
    for name in names:
        parts = PurePosixPath(name).parts
        depth = len(inside.parts)
        if parts[:depth] == inside.parts and len(parts) > depth + 1:
            images = found.setdefault(parts[depth], [])
            if name.lower().endswith(IMAGE_SUFFIXES):
                images.append(name)
    if not found:
        beside = sorted({name.partition("/")[0] for name in names})
        raise InputError(f"{path} has no class folders in {folder!r}: it holds {some_of(beside) or 'nothing'}")
    for label, images in found.items():
        if not images:
            raise InputError(f"{path} has no images in {inside / label}: images are {', '.join(IMAGE_SUFFIXES)} files")
    if len(found) < least:
        raise InputError(f"{path} has one class folder in {folder!r}, {next(iter(found))!r}: there must be two or more")
    return {label: sorted(found[label]) for label in sorted(found)}


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


def read_images(path: Path, *splits: tuple[list[str], int, int | Sequence[int] | None]) -> tuple[list[np.ndarray], str]:
    """Read image files of a folder or an archive, in one pass.

    Args:
        path: the folder or archive.
        splits: for each the names, as `list_files` gives them, and the arguments `size` and `resize` of `decode_image`.

    Returns:
        The images of each split in the order of its names, uint8, N x size x size x 3, and a checksum over all names
        and contents.

    Raises:
        InputError: a file is missing or no image.
    """
    arrays = [np.empty((len(names), size, size, 3), dtype=np.uint8) for names, size, _ in splits]
    places = {
        name: (array, i, size, resize)
        for array, (names, size, resize) in zip(arrays, splits, strict=True)
        for i, name in enumerate(names)
    }
    digests = {}
    for name, content in read_files(path, places):
        array, i, size, resize = places[name]
        array[i] = decode_image(content, f"{name} in {path}", size, resize)
        digests[name] = hashlib.sha256(content).hexdigest()
    listing = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return arrays, "sha256:" + hashlib.sha256(listing.encode()).hexdigest()
