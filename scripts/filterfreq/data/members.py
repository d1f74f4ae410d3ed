"""Members of archives: what of them is refused, and how much they may unpack to."""

from pathlib import Path, PurePosixPath, PureWindowsPath

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.text import is_one_line

_OF_OTHERS = ("__MACOSX", "lost+found")  # archivers and file systems
# An archive may unpack to so many bytes, and to so many more for each of its own. Images are compressed already; those
# that are not, flat ones at best, shrink to a hundredth.
_SMALLEST = 1 << 30
_RATIO = 100
_LARGEST_MEMBER = 2 << 30  # bytes, for a member is read in one piece
_COST_OF_MEMBER = 1 << 13  # bytes that reading an empty one takes
_LONGEST_NAME = 255  # bytes of one part of a path, as on all file systems in use
_LONGEST_PATH = 1000  # bytes, so that there is room for the folder


class Room:
    """What an archive may still unpack to, so that a small file cannot fill the memory, the disk or a day."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.left = _SMALLEST + _RATIO * path.stat().st_size

    def take(self, amount: int) -> None:
        """Count bytes, or work that takes as long as reading them.

        Raises:
            InputError: there is no room for them.
        """
        self.left -= amount
        if self.left < 0:
            raise InputError(
                f"{self.path} unpacks to more than {_RATIO} times its size and {_SMALLEST >> 30} GB: if it is right, "
                "unpack it and give the folder"
            )

    def take_member(self, name: str, size: int) -> None:
        """Count a member, and refuse one too large for the memory.

        Raises:
            InputError: it is, or there is no room for it.
        """
        if size > _LARGEST_MEMBER:
            raise InputError(
                f"{self.path} holds {name!r} of {size} bytes, more than {_LARGEST_MEMBER >> 30} GB: if it is right, "
                "unpack it and give the folder"
            )
        self.take(_COST_OF_MEMBER + size)


def refuse_text(path: Path, name: str) -> None:
    """Refuse a name that no line of text can hold.

    Raises:
        InputError: it is not one line of UTF-8.
    """
    if not is_one_line(name):
        raise InputError(f"{path} holds {name!r}, a name that is not one line of UTF-8: rename it")


def refuse_name(path: Path, name: str, is_folder: bool) -> None:
    """Refuse a member's name that leaves the archive's folder, or that no file can have.

    Raises:
        InputError: it does, is empty, too long or not one line of UTF-8.
    """
    refuse_text(path, name)
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or PureWindowsPath(name).is_absolute():
        raise InputError(f"{path} holds an unsafe member ({name!r} leaves the archive's folder): it is not read")
    # Parts of a name of thousands would take the square of their number.
    if len(name.encode()) > _LONGEST_PATH or any(len(part.encode()) > _LONGEST_NAME for part in parts.parts):
        raise InputError(f"{path} holds a name of {len(name)} characters, {name[:40]!r}...: shorten it")
    if not (parts.parts or is_folder):
        raise InputError(f"{path} holds a file without a name: pack it again")


def is_hidden(name: str) -> bool:
    """Return whether a file or folder, or one that it is in, is hidden or another program's."""
    return any(part.startswith(".") or part in _OF_OTHERS for part in name.split("/"))


def plain_name(name: str) -> str:
    """Return a member's name without a leading `./` and a closing `/`."""
    return PurePosixPath(name).as_posix()
