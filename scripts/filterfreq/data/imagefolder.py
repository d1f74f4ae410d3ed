"""Data sets that are folders or archives of class folders: `<split>/<class>/<image>`, with further folders in between.

A class is a folder's name, a label its place among the sorted names; images are ordered by class and name, so that a
folder and an archive of it give the same arrays. Hidden files, and those that are no images by their suffix, are left
out.
"""

import hashlib
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from filterfreq.data.archives import list_files, read_files
from filterfreq.data.arrays import save_splits
from filterfreq.data.download import verify
from filterfreq.data.images import decode_image
from filterfreq.data.registry import ImageFolder
from filterfreq.errors import InputError

_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".tif", ".tiff", ".webp")


def prepare(raw_folder: Path, output_folder: Path, seed: int, dataset: ImageFolder) -> None:
    """Write a folder or an archive of class folders as `filterfreq.data.arrays` describes.

    Mean and std are the entry's, or else measured on the training images.

    Args:
        raw_folder: holds the archive that `dataset.sources` names, if it names one.
        output_folder: gets `dataset.json` and the arrays.
        seed: fixes the order of the test images, and the split where the entry has a `test_fraction`.
        dataset: the entry, of the registry or of the config.

    Raises:
        InputError: the folder or archive is missing, damaged or unsafe, lacks class folders, has too few images or one
            that cannot be read, a test class that is no training class, or other classes or numbers than in the entry.
    """
    if dataset.sources:
        (source,) = dataset.sources
        path = Path(raw_folder) / source.file
        verify(source, path)
    else:
        path = Path(dataset.path).expanduser()
    names = list_files(path)
    classes = find_classes(path, names, dataset.train)
    if dataset.classes and sorted(dataset.classes) != list(classes):
        raise InputError(f"{path} has the classes {', '.join(classes)} in {dataset.train}, not those of {dataset.name}")
    if dataset.test_fraction is None:
        train, test = classes, find_classes(path, names, dataset.test)
        for label in test:
            if label not in train:
                raise InputError(
                    f"{path} has the class {label!r} in {dataset.test} but not in {dataset.train}: "
                    "take it out or add images to train on"
                )
    else:
        train, test = _split(path, classes, dataset.test_fraction, seed)
    order = list(classes) if not dataset.classes else list(dataset.classes)
    images, digest = read_images(path, [*_names(train, order), *_names(test, order)], dataset.image_size)
    train_labels, test_labels = _labels(train, order), _labels(test, order)
    save_splits(
        output_folder,
        replace(dataset, classes=tuple(order)),
        (images[: len(train_labels)], train_labels),
        (images[len(train_labels) :], test_labels),
        seed=seed,
        sources={path.name: digest},
    )


def find_classes(path: Path, names: list[str], folder: str) -> dict[str, list[str]]:
    """Return the sorted names of images by class, the classes sorted too.

    Args:
        path: the folder or archive, for messages.
        names: the names of its files.
        folder: the one that holds the class folders, "." being the uppermost. Where everything lies in one folder, the
            path is meant from there, for so most archives come.

    Raises:
        InputError: there are no class folders, or only one, or one without images.
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
            if name.lower().endswith(_SUFFIXES):
                images.append(name)
    if not found:
        beside = sorted({name.partition("/")[0] for name in names})
        raise InputError(
            f"{path} has no class folders in {folder!r}: it holds {', '.join(beside[:5]) or 'nothing'}"
            f"{', ...' if len(beside) > 5 else ''}"
        )
    for label, images in found.items():
        if not images:
            raise InputError(f"{path} has no images in {inside / label}: images are {', '.join(_SUFFIXES)} files")
    if len(found) == 1:
        raise InputError(f"{path} has one class folder in {folder!r}, {next(iter(found))!r}: there must be two or more")
    return {label: sorted(found[label]) for label in sorted(found)}


def _split(
    path: Path, classes: dict[str, list[str]], fraction: float, seed: int
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Draw that fraction of each class for testing, at least one image, and leave at least one for training."""
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


def read_images(path: Path, names: list[str], size: int) -> tuple[np.ndarray, str]:
    """Read image files of a folder or an archive.

    Args:
        path: the folder or archive.
        names: names as `list_files` gives them.
        size: height and width of the result, in pixels; other images are resized as `decode_image` says.

    Returns:
        Images in the order of `names`, uint8, N x size x size x 3, and a checksum over names and contents.

    Raises:
        InputError: a file is missing or no image.
    """
    place = {name: i for i, name in enumerate(names)}
    images = np.empty((len(names), size, size, 3), dtype=np.uint8)
    digests = {}
    for name, content in read_files(path, place):
        images[place[name]] = decode_image(content, f"{name} in {path}", size)
        digests[name] = hashlib.sha256(content).hexdigest()
    listing = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return images, "sha256:" + hashlib.sha256(listing.encode()).hexdigest()
