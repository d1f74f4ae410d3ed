"""Files of a folder, a tar or a zip, read the same way, without unpacking them; and the unpacking of large ones.

An archive is read to its very end, where its checksums are, and what it unpacks to is bounded: see docs/security.md.
"""

import functools
import hashlib
import itertools
import os
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from filterfreq.data.members import Room, is_hidden, refuse_text
from filterfreq.data.tars import files_of_tar, open_tar
from filterfreq.data.zips import files_of_zip
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import naming_full_disk, reading

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".dib"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)

_REMEDY = "replace it by a whole copy"
_VISITS = 8  # to one folder, by links


def list_files(path: str | Path) -> list[str]:
    """Return the names of all files of a folder or an archive, sorted, with `/` between folders and no leading `./`.

    What others add is left out: hidden files and folders, `__MACOSX` and `lost+found`.

    Raises:
        InputError: as for `read_files`.
    """
    return list_all(path)[0]


def list_all(path: str | Path) -> tuple[list[str], list[str]]:
    """Return the names of all files, as `list_files` does, and those of all folders that are written down.

    An archive may hold files without their folders, but an empty folder it holds itself.

    Raises:
        InputError: as for `read_files`.
    """
    folders: list[str] = []
    with reading(path, _REMEDY):
        files = [name for name, _ in _files(Path(path), folders)]
    files, folders = (sorted(name for name in names if not is_hidden(name)) for names in (files, folders))
    return files, folders


def read_files(path: str | Path, wanted: Collection[str] | None = None) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of files of a folder or an archive, in the order in which they lie there.

    A compressed tar can only be read from front to end, which is why the order is its own. It is read to the end even
    when all that is wanted has been found, because damage shows there.

    Args:
        path: a folder, a tar (plain, gzip, bzip2 or xz) or a zip.
        wanted: names as `list_files` gives them; by default all of them.

    Raises:
        InputError: there is neither folder nor archive at the path, it is damaged or lacks a wanted file, or unpacks to
            far more than its size; a member of the archive has an absolute path or one that leaves the archive's
            folder, is a link that does, or that leads to no file in it, a device, encrypted, there twice, or both a
            file and a folder; a folder holds a link that leads nowhere or round in a circle, a pipe or a device, or
            may not be read; or a name is empty, too long for a file, or not one line of UTF-8.
    """
    missing = set(wanted or ())
    with reading(path, _REMEDY):
        for name, read in _files(Path(path)):
            if wanted is None:
                if not is_hidden(name):
                    yield name, read()
            elif name in missing:
                missing.remove(name)
                yield name, read()
    if missing:
        raise InputError(f"{path} lacks {', '.join(sorted(missing)[:3])}: is it the right file, and whole?")


def unpack(path: str | Path, folder: str | Path) -> None:
    """Unpack an archive's files, but for hidden ones, into a folder, which appears whole or not at all.

    Args:
        path: a tar (plain, gzip, bzip2 or xz) or a zip.
        folder: a folder that does not exist yet.

    Raises:
        InputError: as for `read_files`, or the disk is full.
    """
    with unpacking(folder) as temporary:
        extract(path, temporary)


def extract(path: str | Path, folder: str | Path, names: Mapping[str, str] | None = None) -> None:
    """Write files of a folder or an archive into a folder.

    Args:
        path: a folder, a tar (plain, gzip, bzip2 or xz) or a zip.
        folder: where they go.
        names: by the files' names, as `list_files` gives them, those that they get, `/` between folders; by default all
            files, but for hidden ones, under their own.

    Raises:
        InputError: as for `read_files`, or the disk is full.
    """
    with naming_full_disk(f"unpacking into {folder}"):
        for name, content in read_files(path, names):
            target = Path(folder, name if names is None else names[name])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


@contextmanager
def unpacking(folder: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder` that is given its name once the block has ended well.

    When the block raises, the temporary folder is removed; after a SIGKILL the next one to unpack there removes it.

    Raises:
        InputError: the disk or the quota is full.
    """
    folder = Path(folder)
    temporary = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with naming_full_disk(f"unpacking into {folder}"):
            temporary.mkdir(parents=True)
            yield temporary
            os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def class_folders_state(path: str | Path) -> str:
    """Return a SHA-256 over names and times of change of the folders that hold folders, and of those in them.

    Another one when a file was added to a class folder, renamed or removed, unlike `folder_state` not when one was
    changed in place. Of a folder of files only the first entry is read, so that a million images may be asked for
    before every run.

    Raises:
        InputError: a folder may not be read, or holds a link that leads round in a circle.
    """
    digest = hashlib.sha256()
    way = _Way()
    folders = [(Path(path), frozenset())]
    while folders:
        folder, above = folders.pop()
        with reading(folder, "look what it is"):
            above = way.enter(folder, above)
            # A name of other bytes than UTF-8 is refused by the job that reads it.
            digest.update(f"{folder.relative_to(path)}\0{folder.stat().st_mtime_ns}\0".encode(errors="surrogateescape"))
            with os.scandir(folder) as entries:
                visible = (entry for entry in entries if not is_hidden(entry.name))
                first = next(visible, None)
                # A folder holds either folders or images, but for a README or the like, which is no reason to stop.
                if first is not None and (_is_folder(first) or not first.name.lower().endswith(IMAGE_SUFFIXES)):
                    found = (Path(entry.path) for entry in itertools.chain([first], visible) if _is_folder(entry))
                    folders += [(below, above) for below in sorted(found, reverse=True)]
    return digest.hexdigest()


def folder_state(path: str | Path) -> str:
    """Return a SHA-256 over names, sizes and times of change of a folder's files: another one when any has changed.

    It reads no file, so that it may be asked for before every run.
    """
    path = Path(path)
    digest = hashlib.sha256()
    for name in list_files(path):
        found = (path / name).stat()
        digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _files(path: Path, folders: list[str] | None = None) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield every file's name and the function that reads it, which must be called before the next is asked for.

    Names of folders are added to `folders` on the way.
    """
    folders = [] if folders is None else folders
    if path.is_dir():
        yield from _files_of_folder(path, folders)
        return
    if not path.exists():
        raise InputError(f"{path} is missing: give the path of a folder, a tar or a zip")
    room = Room(path)
    # A tar may hold a zip that would be found at its end, so it is asked first.
    tar = open_tar(path, room)
    if tar is None and not zipfile.is_zipfile(path):
        raise InputError(f"{path} cannot be read (neither tar nor zip): {_REMEDY}")
    seen: set[str] = set()
    above: set[str] = set()
    found = files_of_zip(path, room, folders) if tar is None else files_of_tar(path, room, tar, folders)
    for name, read in found:
        if name in seen:
            raise InputError(f"{path} holds {name} twice: only one of them can be meant, so it is not read")
        seen.add(name)
        new = {str(folder) for folder in PurePosixPath(name).parents} - above
        above |= new
        if name in above or new & seen:
            raise InputError(f"{path} holds {min(new & seen, default=name)} both as a file and as a folder: not read")
        yield name, read


class _Way:
    """The folders that links lead to, none of which may hold itself, or be one of many that lead to few."""

    def __init__(self) -> None:
        self.visits: Counter[tuple[int, int]] = Counter()

    def enter(self, folder: Path, above: frozenset[tuple[int, int]]) -> frozenset[tuple[int, int]]:
        """Return the folders above those in this one, given those above it.

        Raises:
            InputError: it is one of them, or is visited again and again.
        """
        found = folder.stat()
        identity = found.st_dev, found.st_ino
        self.visits[identity] += 1
        if identity in above or self.visits[identity] > _VISITS:
            link = next((each for each in (folder, *folder.parents) if each.is_symlink()), folder)
            raise InputError(
                f"{link} leads back to a folder that is read already: read another folder, or one without the link"
            )
        return above | {identity}


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _files_of_folder(path: Path, folders: list[str]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the visible files of a folder, and of those in it, each folder's own first."""
    way = _Way()
    left = [("", frozenset())]
    while left:
        prefix, above = left.pop()
        folder = path / prefix
        with reading(folder, "look what it is"):
            above = way.enter(folder, above)
            with os.scandir(folder) as entries:
                visible = sorted(
                    (entry for entry in entries if not is_hidden(entry.name)), key=lambda entry: entry.name
                )
        below = []
        for entry in visible:
            name = prefix + entry.name
            refuse_text(path, name)
            if _is_folder(entry):
                folders.append(name)
                below.append((f"{name}/", above))
            else:
                _refuse_no_file(entry)
                yield name, functools.partial(_content_of_file, path / name)
        left += reversed(below)


def _refuse_no_file(entry: os.DirEntry) -> None:
    """Refuse links without a target, and what could be read for ever: pipes, sockets and devices."""
    try:
        if entry.is_file():
            return
    except OSError:  # a link to itself
        pass
    leads = os.path.exists(entry.path)
    what = "neither a file nor a folder" if leads or not entry.is_symlink() else "a link that leads nowhere"
    raise InputError(f"{entry.path} is {what}: move it elsewhere, or put back what belongs there")


def _content_of_file(path: Path) -> bytes:
    with reading(path, "prepare the data set again"):
        return path.read_bytes()
