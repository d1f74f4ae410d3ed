"""A copy of a prepared data set on a node's own disk, which many jobs read faster than a shared file system."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from filterfreq.data.arrays import PreparedDataset, copied_images
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import read_json, sha256, write_json
from filterfreq.runtime.machine import locking, private_folder

_SIZES = "sizes.json"


def open_dataset(
    record_file: str | Path, threads: int, compute: Mapping[str, Any], announce: Callable[[str], None]
) -> PreparedDataset:
    """Open a prepared data set, from a copy on node-local scratch where the config names such a folder.

    The first job of a node makes the copy, in `<scratch>/filterfreq-<user id>/<SHA-256 of dataset.json>`, and others
    wait for it; it appears whole or not at all. What is read, and so every result, is the same bit for bit. Nothing is
    written there that is not elsewhere too. Where there is no such folder, no room, or no right to write, it is said
    in one line and the data set is read where it lies.

    Args:
        record_file: the data set's `dataset.json`.
        threads: as for `PreparedDataset`.
        compute: the config's section `compute`; `scratch` may name a folder, with variables of the node's environment.
        announce: is told where the data set is read, if a scratch folder is named.

    Raises:
        InputError: as for `PreparedDataset`.
    """
    folder = Path(record_file).parent
    dataset = PreparedDataset(folder, threads)
    if "scratch" not in compute:
        return dataset
    try:
        copy = _ensure_copy(dataset, compute["scratch"])
        opened = PreparedDataset(folder, threads, copy)
    except (OSError, InputError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        announce(f"no copy on node-local scratch ({reason}): the data set is read from {folder}")
        return dataset
    announce(f"the data set is read from {copy}")
    return opened


def _ensure_copy(dataset: PreparedDataset, scratch: str) -> Path:
    """Return the folder of a whole copy, made now if need be.

    Raises:
        InputError: the folder is not there, or not the user's own, is too full, or the copy is not what was recorded.
        OSError: the folder cannot be written to.
    """
    base = Path(os.path.expandvars(scratch)).expanduser()
    if "$" in str(base) or not base.is_dir():
        raise InputError(f"there is no folder {base}")
    folder = private_folder(base) / sha256(dataset.folder / "dataset.json")
    with locking(folder.with_suffix(".lock")):
        if not _is_whole(dataset, folder):
            temporary = folder.with_suffix(".part")
            for left in (folder, temporary):
                shutil.rmtree(left, ignore_errors=True)
            try:
                _copy(dataset, temporary)
                os.replace(temporary, folder)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _copy(dataset: PreparedDataset, folder: Path) -> None:
    """Copy arrays and image files, and check the former against their checksums."""
    folder.mkdir()
    sources = [dataset.folder / entry["file"] for entry in dataset.record["arrays"].values()]
    sources += [source for _, pairs in _images(dataset, folder) for source, _ in pairs]
    needed = sum(source.stat().st_size for source in sources)
    if needed > shutil.disk_usage(folder).free:
        raise InputError(f"{folder.parent} has no room for {needed} bytes")
    for entry in dataset.record["arrays"].values():
        target = folder / entry["file"]
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(dataset.folder / entry["file"], target)
        if sha256(target) != entry["sha256"]:
            raise InputError(f"{target} does not have the checksum of the original")
    sizes = {
        split: [_copy_image(source, target) for source, target in pairs] for split, pairs in _images(dataset, folder)
    }
    write_json(folder / _SIZES, sizes, indent=None)


def _copy_image(source: Path, target: Path) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target.stat().st_size


def _is_whole(dataset: PreparedDataset, folder: Path) -> bool:
    """Whether a copy is there, its arrays have their checksums and its image files their sizes."""
    try:
        sizes = read_json(folder / _SIZES)
        return all(
            sha256(folder / entry["file"]) == entry["sha256"] for entry in dataset.record["arrays"].values()
        ) and all(
            [target.stat().st_size for _, target in pairs] == sizes[split] for split, pairs in _images(dataset, folder)
        )
    except (OSError, InputError, KeyError):
        return False


def _images(dataset: PreparedDataset, folder: Path) -> Iterator[tuple[str, list[tuple[Path, Path]]]]:
    """Yield each split of images in files with the path of every file and of its copy."""
    for split in dataset.files:
        files = dataset.images(split)
        yield split, [(files.folder / name, copied_images(folder, split) / name) for name in files.names]
