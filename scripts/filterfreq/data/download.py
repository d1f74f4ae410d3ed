"""Downloads of raw files, checked and whole or not at all."""

from pathlib import Path

import pooch
import requests

from filterfreq.data.registry import Source
from filterfreq.errors import InputError
from filterfreq.files import replacing


def download(source: Source, destination: str | Path) -> None:
    """Download a raw file, with a progress bar, unless it is already there with the right checksum.

    Args:
        source: what to download.
        destination: the path of the file.

    Raises:
        InputError: the server cannot be reached or has no such file, the file has another checksum, or the disk is
            full. No partial file is left.
    """
    destination = Path(destination)
    if destination.is_file() and _matches(source, destination):
        return
    with replacing(destination) as temporary:
        try:
            pooch.HTTPDownloader(progressbar=True, chunk_size=1 << 20)(source.url, temporary, None)
        except requests.HTTPError as error:
            raise InputError(
                f"{source.url} answers {error.response.status_code} {error.response.reason}: get {source.file} "
                f"elsewhere and put it at {destination}"
            ) from error
        except requests.RequestException as error:
            raise InputError(
                f"{source.url} cannot be downloaded ({type(error).__name__}): check the connection and run again, "
                f"or put {source.file} at {destination}"
            ) from error
        verify(source, temporary, f"the download of {source.url}")


def verify(source: Source, path: str | Path, name: str | None = None) -> None:
    """Check that a raw file is the one its source describes.

    Args:
        source: the description.
        path: the file.
        name: what to call the file in the message; by default its path.

    Raises:
        InputError: the file is missing, or its checksum is another.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} is missing: download it first, from {source.url}")
    if not _matches(source, path):
        raise InputError(
            f"{name or path} has {path.stat().st_size} bytes and not the checksum {source.checksum} of {source.file} "
            f"({source.size} bytes): it is damaged or another file, delete it and download it again"
        )


def _matches(source: Source, path: Path) -> bool:
    algorithm, digest = source.checksum.split(":")
    return pooch.file_hash(path, alg=algorithm) == digest
