"""Downloads of raw files: resumed after an interruption, from mirrors where need be, checked, whole or not at all."""

import os
from pathlib import Path

import pooch

from filterfreq.data.raw_files import locate
from filterfreq.data.registry import Dataset, Source
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import naming_full_disk, reading
from filterfreq.runtime.web import DownloadError, fetch


def download(
    source: Source, destination: str | Path, timeout: tuple[float, float] = (15, 60), backoff: float = 1
) -> None:
    """Download a raw file, with a progress bar, unless it is already there with the right checksum.

    What has arrived is kept in `partial_file(destination)` until it is whole and has the right checksum, and after an
    interruption, within this call or in one before it, only the rest is asked for. Each address in turn is tried again,
    as `filterfreq.runtime.web.fetch` describes.

    Args:
        source: what to download.
        destination: the path of the file.
        timeout: seconds to wait for a connection, and for the next bytes.
        backoff: the first pause in seconds; each further one is twice as long.

    Raises:
        InputError: no address has the file, or a file with the right checksum, or can be reached, or the disk is full.
            Only the partial file may be left, and only if a further call could resume it.
    """
    destination = Path(destination)
    if destination.is_file() and matches(source, destination):
        return
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_file(destination)
    failures = []
    for url in source.urls:
        try:
            with naming_full_disk(f"writing {destination}"):
                _fetch(url, source, partial, timeout, backoff)
        except DownloadError as error:
            failures.append(f"{url} {error}")
            continue
        if matches(source, partial):
            with open(partial, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(partial, destination)
            return
        failures.append(f"{url} has {partial.stat().st_size} bytes and not the checksum {source.checksum}")
        partial.unlink()
    raise InputError(
        f"{source.file} ({source.size} bytes) cannot be downloaded: {'; '.join(failures)}: check the connection and "
        f"run again, or get the file elsewhere and put it at {destination}"
    )


def partial_file(destination: str | Path) -> Path:
    """Return where a download's bytes wait until they are the whole file; no rule makes or reads such a name."""
    destination = Path(destination)
    return destination.with_name(f".{destination.name}.partial")


def verify(source: Source, path: str | Path) -> None:
    """Check that a raw file is the one its source describes.

    Args:
        source: the description.
        path: the file.

    Raises:
        InputError: the file is missing, or its checksum is another.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} is missing: download it first" + (f", from {source.urls[0]}" if source.urls else ""))
    with reading(path, "look what it is"):
        is_whole = matches(source, path)
    if not is_whole:
        size = f" ({source.size} bytes)" if source.size is not None else ""
        raise InputError(
            f"{path} has {path.stat().st_size} bytes and not the checksum {source.checksum} of {source.file}{size}: "
            "it is damaged, or another file of that name: put the right one there"
        )


def verified_files(raw_folder: str | Path, dataset: Dataset) -> list[Path]:
    """Return the paths of a data set's raw files, in the order of its sources, each checked as `verify` does.

    Args:
        raw_folder: where they lie.
        dataset: the registry's entry.

    Raises:
        InputError: one is missing, or its checksum is another.
    """
    found = [file for source in dataset.sources for file in locate(source, raw_folder)]
    for source, path in found:
        verify(source, path)
    return [path for _, path in found]


def matches(source: Source, path: Path) -> bool:
    """Return whether a file has the checksum of a source."""
    algorithm, digest = source.checksum.split(":")
    return pooch.file_hash(path, alg=algorithm) == digest


def _fetch(url: str, source: Source, partial: Path, timeout: tuple[float, float], backoff: float) -> None:
    """Complete the partial file from one address."""
    options = {"size": source.size, "verified": True, "resume": True, "timeout": timeout, "backoff": backoff}
    resumed = partial.is_file()
    fetch(url, partial, source.file, **options)
    if resumed and not matches(source, partial):
        # What was there before may have been another file's, so this address gets a fair chance.
        partial.unlink()
        fetch(url, partial, source.file, **options)
