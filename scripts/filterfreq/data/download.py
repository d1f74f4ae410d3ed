"""Downloads of raw files: resumed after an interruption, from mirrors where need be, checked, whole or not at all."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pooch
import requests
import urllib3
from requests.adapters import HTTPAdapter
from tqdm import tqdm
from urllib3.util import Retry

from filterfreq.data.registry import Dataset, Source
from filterfreq.errors import InputError
from filterfreq.files import full_disk_named

_CHUNK = 1 << 20  # bytes
_ATTEMPTS = 5  # in a row that bring nothing
_TRY_LATER = (429, 500, 502, 503, 504)


def download(
    source: Source, destination: str | Path, timeout: tuple[float, float] = (15, 60), backoff: float = 1
) -> None:
    """Download a raw file, with a progress bar, unless it is already there with the right checksum.

    What has arrived is kept in `partial_file(destination)` until it is whole and has the right checksum. After an
    interruption, within this call or in one before it, only the rest is asked for (RFC 9110, section 14); a server that
    sends the whole file all the same is believed. Each address in turn is tried again, with growing pauses, until
    several attempts in a row have brought nothing.

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
    if destination.is_file() and _matches(source, destination):
        return
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_file(destination)
    failures = []
    with _session(backoff) as session, full_disk_named(f"writing {destination}"):
        for url in source.urls:
            resumed = partial.is_file()
            failure = _fetch(session, url, source, partial, timeout, backoff)
            if failure is None and resumed and not _matches(source, partial):
                # What was there before may have been another file's, so this address gets a fair chance.
                partial.unlink()
                failure = _fetch(session, url, source, partial, timeout, backoff)
            if failure is None and _matches(source, partial):
                with open(partial, "rb+") as file:
                    os.fsync(file.fileno())
                os.replace(partial, destination)
                return
            if failure is None:
                failure = f"{url} has {partial.stat().st_size} bytes and not the checksum {source.checksum}"
                partial.unlink()
            failures.append(failure)
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
    if not _matches(source, path):
        size = f" ({source.size} bytes)" if source.size is not None else ""
        raise InputError(
            f"{path} has {path.stat().st_size} bytes and not the checksum {source.checksum} of {source.file}{size}: "
            "it is damaged or another file, delete it and download it again"
        )


def verified(raw_folder: str | Path, dataset: Dataset) -> list[Path]:
    """Return the paths of a data set's raw files, in the order of its sources, each checked as `verify` does.

    Args:
        raw_folder: where they lie.
        dataset: the registry's entry.

    Raises:
        InputError: one is missing, or its checksum is another.
    """
    paths = [Path(raw_folder) / source.file for source in dataset.sources]
    for source, path in zip(dataset.sources, paths, strict=True):
        verify(source, path)
    return paths


def _matches(source: Source, path: Path) -> bool:
    algorithm, digest = source.checksum.split(":")
    return pooch.file_hash(path, alg=algorithm) == digest


@contextmanager
def _session(backoff: float) -> Iterator[requests.Session]:
    """Yield a session that asks a busy server again, with growing pauses, or when the server says."""
    retry = Retry(
        total=None,
        connect=0,
        read=0,
        status=_ATTEMPTS - 1,
        backoff_factor=backoff,
        status_forcelist=_TRY_LATER,
        allowed_methods=("GET",),
        raise_on_status=False,
    )
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=retry))
        # A server that compressed on the way would send other bytes than those that the checksum is of.
        session.headers["Accept-Encoding"] = "identity"
        yield session


def _fetch(
    session: requests.Session, url: str, source: Source, partial: Path, timeout: tuple[float, float], backoff: float
) -> str | None:
    """Complete the partial file from one address; return what went wrong, or None."""
    idle = 0
    while True:
        before = partial.stat().st_size if partial.is_file() else 0
        if before == source.size:
            return None
        try:
            return _fetch_rest(session, url, source, partial, timeout)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            idle = idle + 1 if not partial.is_file() or partial.stat().st_size <= before else 0
            if idle == _ATTEMPTS:
                return f"{url} cannot be reached or breaks off ({type(error).__name__})"
            time.sleep(backoff * 2**idle)


def _fetch_rest(
    session: requests.Session, url: str, source: Source, partial: Path, timeout: tuple[float, float]
) -> str | None:
    """Ask once for what the partial file lacks, and append it."""
    start = partial.stat().st_size if partial.is_file() else 0
    headers = {"Range": f"bytes={start}-"} if start else {}
    with session.get(url, headers=headers, stream=True, timeout=timeout) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            # More bytes are here than there.
            partial.unlink()
            raise requests.exceptions.ChunkedEncodingError(f"{url} has no byte {start}")
        if response.status_code >= requests.codes.bad_request:
            return f"{url} answers {response.status_code} {response.reason}"
        continued = response.status_code == requests.codes.partial_content and response.headers.get(
            "Content-Range", ""
        ).startswith(f"bytes {start}-")
        start = start if continued else 0
        with (
            open(partial, "ab" if continued else "wb") as file,
            tqdm(total=source.size, initial=start, unit="B", unit_scale=True, desc=source.file, mininterval=1) as bar,
        ):
            # The bytes as they lie there: some servers call a .gz file an encoding, which requests would undo. And each
            # as soon as it comes, or those that wait for a whole chunk would be lost when the connection is.
            while chunk := response.raw.read1(_CHUNK, decode_content=False):
                file.write(chunk)
                bar.update(len(chunk))
    return None
