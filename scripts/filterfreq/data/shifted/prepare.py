"""Shifted sets from class folders, from CIFAR-10.1's arrays, and from another data set. Imports no torch."""

from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import numpy as np

from filterfreq.data.archives import extract, folder_state, list_all
from filterfreq.data.arrays import PreparedDataset, open_array
from filterfreq.data.download import verify
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.imagefolder import find_classes, read_images, test_folder
from filterfreq.data.registry import get_dataset
from filterfreq.data.remarks import remarks_on_files, remarks_on_names
from filterfreq.data.saving import balanced_order
from filterfreq.data.shifted.classes import check_known, meanings
from filterfreq.data.shifted.prepared import save_shifted
from filterfreq.data.shifted.registry import ShiftedSet
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import sha256


def identity(entry: ShiftedSet) -> dict[str, str]:
    """Return what of an entry its record keeps."""
    return {"name": entry.name, "shift_of": entry.shift_of, "folders": entry.folders}


def prepare_folder(raw_folder: Path, output_folder: Path, seed: int, entry: ShiftedSet) -> None:
    """Prepare a folder or an archive of class folders.

    As the entry's `storage` says, they become an array, or stay in files: where they are, if that is a folder, and
    unpacked from an archive.

    Args:
        raw_folder: holds the archive that `entry.sources` names, if it names one.
        output_folder: gets the set.
        seed: fixes the order of the images.
        entry: the registry's or the config's.

    Raises:
        InputError: the folder or archive is missing, damaged or unsafe, lacks class folders, or holds, of small images,
            one that cannot be read.
    """
    if entry.path:
        path = Path(entry.path).expanduser()
    else:
        (source,) = entry.sources
        path = raw_folder / source.file
        verify(source, path)
    found, folders = list_all(path)
    files = [name for name in found if fnmatchcase(PurePosixPath(name).name, entry.names)]
    folder = test_folder(files) if entry.folder == "." else entry.folder
    classes = find_classes(path, files, folder, folders=folders)
    remarks = [*remarks_on_names(files, {folder: classes}), *_remarks_on_classes(entry, classes)]
    names = [name for found in classes.values() for name in found]
    labels = np.repeat(np.arange(len(classes)), [len(found) for found in classes.values()])
    order = balanced_order(labels, np.random.default_rng(seed))
    names, labels = [names[i] for i in order], labels[order]
    if entry.storage == "arrays":
        split = (names, entry.image_size, entry.resize)
        (images,), _, image_remarks = read_images(path, split, rendering=entry.rendering)
    else:
        holding = path
        if not path.is_dir():
            holding = output_folder / "files"
            extract(path, holding, dict(zip(names, names, strict=True)))
        images = ImageFiles(holding, names, entry.image_size, entry.resize, rendering=entry.rendering)
        image_remarks = remarks_on_files(images, seed)
    if entry.path:
        source = f"state:{folder_state(path)}" if path.is_dir() else f"sha256:{sha256(path)}"
    else:
        source = entry.sources[0].checksum
    save_shifted(
        output_folder, identity(entry), list(classes), labels, images, {path.name: source}, [*remarks, *image_remarks]
    )


def _remarks_on_classes(entry: ShiftedSet, classes: Collection[str]) -> list[str]:
    """Say how many of the classes that the models know have images; refuse any other."""
    known = meanings(entry.folders, entry.base_classes)
    if not known:
        return []
    check_known(entry.name, classes, known)
    if len(classes) == len(known):
        return []
    return [f"has {len(classes):,} of {len(known):,} classes, which alone are answers to its images"]


def prepare_cifar_10_1(raw_folder: Path, output_folder: Path, seed: int, entry: ShiftedSet) -> None:
    """Prepare CIFAR-10.1, version 6: 2,000 new images of CIFAR-10's classes, as many of each.

    Recht, Roelofs, Schmidt, Shankar, Do CIFAR-10 Classifiers Generalize to CIFAR-10?, 2018. The files are uint8,
    2,000 x 32 x 32 x 3, and integers, 2,000, CIFAR-10's labels.

    Args:
        raw_folder: holds the two files that `entry.sources` names.
        output_folder: gets the set.
        seed: fixes the order of the images.
        entry: the registry's.

    Raises:
        InputError: a file is missing or damaged, or holds something else.
    """
    paths = [raw_folder / source.file for source in entry.sources]
    for source, path in zip(entry.sources, paths, strict=True):
        verify(source, path)
    images, labels = (np.asarray(open_array(path, "download it again")) for path in paths)
    labels = labels.astype(np.int64)
    if images.shape != (len(labels), 32, 32, 3) or images.dtype != np.uint8:
        raise InputError(f"{paths[0]} holds {images.dtype} {list(images.shape)}: it is not CIFAR-10.1's, download it")
    order = balanced_order(labels, np.random.default_rng(seed))
    classes = list(get_dataset("cifar10").classes)
    sources = {source.file: source.checksum for source in entry.sources}
    save_shifted(output_folder, identity(entry), classes, labels[order], images[order], sources)


def prepare_known_dataset(raw_folder: Path, output_folder: Path, seed: int, entry: ShiftedSet) -> None:
    """Refer to another data set's prepared test images, whose order is balanced already.

    Args:
        raw_folder: the prepared data set's.
        output_folder: gets the set.
        seed: not used.
        entry: the registry's or the config's.

    Raises:
        InputError: the data set is missing or damaged.
    """
    dataset = PreparedDataset(raw_folder)
    save_shifted(output_folder, identity(entry), list(dataset.classes), None, raw_folder, dataset.record["sources"])
