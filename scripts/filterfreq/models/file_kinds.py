"""What lies where a checkpoint should, as far as a file's first bytes say it. Imports no torch."""

from pathlib import Path

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import reading

WHOLE_COPY = "put a whole copy of the checkpoint there"
"""What to do about a damaged file that its user has put there."""

_READ = 512  # bytes
_PAGES = (b"<!doctype html", b"<html", b"<?xml")
_POINTER = b"version https://git-lfs"
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf")
_OF_OTHERS = {b"\x89HDF": "an HDF5 file, as Keras writes it,", b"\x93NUMPY": "an array of numpy"}


def check_kind(path: Path, remedy: str) -> None:
    """Refuse what is seen at once to be no checkpoint: nothing, a page of the web, another kind of file.

    Args:
        path: the file.
        remedy: how its owner gets a whole copy, for the message.

    Raises:
        InputError: it is no checkpoint, is missing, or cannot be read.
    """
    with reading(path, remedy), open(path, "rb") as file:
        start = file.read(_READ)
    if not start:
        raise InputError(f"{path} is empty: {remedy}")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        raise InputError(f"{path} is a page of the web and no checkpoint: {remedy}")
    if start.startswith(_POINTER):
        raise InputError(
            f"{path} is a pointer of Git LFS and not the checkpoint: run git lfs pull in the clone that it is from"
        )
    if start.startswith(_COMPRESSED):
        raise InputError(f"{path} is compressed: unpack it and give the checkpoint in it")
    for beginning, kind in _OF_OTHERS.items():
        if start.startswith(beginning):
            raise InputError(
                f"{path} is {kind} and was not loaded: give the tensors of a torch model, as "
                "torch.save(model.state_dict(), FILE) writes them"
            )


def is_safetensors(path: Path) -> bool:
    """Return whether a file begins as safetensors do, with the length of a JSON object and that object.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") <= path.stat().st_size
