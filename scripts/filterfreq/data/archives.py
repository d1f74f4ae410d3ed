"""Files of a folder, a tar or a zip, read the same way, without unpacking them; and the unpacking of large ones."""

import hashlib
import itertools
import lzma
import os
import posixpath
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from filterfreq.errors import InputError
from filterfreq.files import full_disk_named
from filterfreq.text import is_one_line

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".tif", ".tiff", ".webp")

_ENCRYPTED = 0x1  # of a zip member's flags (APPNOTE.TXT, section 4.4.4)

_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, NotImplementedError, OSError)


def list_files(path: str | Path) -> list[str]:
    """Return the names of all files of a folder or an archive, sorted, with `/` between folders and no leading `./`.

    What file managers and archivers add is left out: hidden files and folders, and `__MACOSX`.

    Raises:
        InputError: as for `read_files`.
    """
    with _damage_named(path):
        return sorted(name for name, _ in _files(Path(path)) if not _is_hidden(name))


def read_files(path: str | Path, wanted: Collection[str] | None = None) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of files of a folder or an archive, in the order in which they lie there.

    A compressed tar can only be read from front to end, which is why the order is its own.

    Args:
        path: a folder, a tar (plain, gzip, bzip2 or xz) or a zip.
        wanted: names as `list_files` gives them; by default all of them.

    Raises:
        InputError: there is neither folder nor archive at the path, it is damaged or lacks a wanted file, or a member
            of the archive has an absolute path or one that leaves the archive's folder, is a link that does, a device,
            encrypted, there twice, or both a file and a folder; or a name is not one line of UTF-8.
    """
    missing = set(wanted or ())
    with _damage_named(path):
        for name, read in _files(Path(path)):
            if wanted is None:
                if not _is_hidden(name):
                    yield name, read()
            elif name in missing:
                missing.remove(name)
                yield name, read()
                if not missing:
                    return
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
    with full_disk_named(f"unpacking into {folder}"):
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
        with full_disk_named(f"unpacking into {folder}"):
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
    """
    digest = hashlib.sha256()
    folders = [Path(path)]
    while folders:
        folder = folders.pop()
        # A name of other bytes than UTF-8 is refused by the job that reads it.
        digest.update(f"{folder.relative_to(path)}\0{folder.stat().st_mtime_ns}\0".encode(errors="surrogateescape"))
        with os.scandir(folder) as entries:
            visible = (entry for entry in entries if not entry.name.startswith("."))
            first = next(visible, None)
            # A folder holds either folders or images, but for a README or the like, which is no reason to stop.
            if first is not None and (first.is_dir() or not first.name.lower().endswith(IMAGE_SUFFIXES)):
                folders += sorted(
                    (Path(entry.path) for entry in itertools.chain([first], visible) if entry.is_dir()), reverse=True
                )
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


@contextmanager
def _damage_named(path: str | Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise InputError(f"{path} cannot be read ({error}): replace it by a whole copy") from error


def _files(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield every file's name and the function that reads it, which must be called before the next is asked for."""
    if path.is_dir():
        for name, read in _files_of_folder(path):
            _refuse_text(path, name)
            yield name, read
        return
    if not path.exists():
        raise InputError(f"{path} is missing: give the path of a folder, a tar or a zip")
    # A tar may hold a zip that would be found at its end, so it is asked first.
    if tarfile.is_tarfile(path):
        found = _files_of_tar(path)
    elif zipfile.is_zipfile(path):
        found = _files_of_zip(path)
    else:
        raise InputError(f"{path} cannot be read (neither tar nor zip): replace it by a whole copy")
    seen: set[str] = set()
    folders: set[str] = set()
    for name, read in found:
        if name in seen:
            raise InputError(f"{path} holds {name} twice: only one of them can be meant, so it is not read")
        seen.add(name)
        new = {str(folder) for folder in PurePosixPath(name).parents} - folders
        folders |= new
        if name in folders or new & seen:
            raise InputError(f"{path} holds {min(new & seen, default=name)} both as a file and as a folder: not read")
        yield name, read


def _files_of_folder(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    for folder, folders, files in os.walk(path, followlinks=True):
        folders.sort()
        for file in sorted(files):
            found = Path(folder, file)
            yield found.relative_to(path).as_posix(), found.read_bytes


def _files_of_tar(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            _refuse_name(path, member.name)
            _refuse_kind(path, member)
            if not member.isdir():
                yield _plain(member.name), lambda member=member: _content(archive, member)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    try:
        file = archive.extractfile(member)
    except KeyError as error:  # a link to a member that is not there
        raise tarfile.TarError(error.args[0]) from error
    return file.read()


def _files_of_zip(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            _refuse_name(path, member.filename)
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise InputError(
                    f"{path} holds an unsafe member ({member.filename} is a link or a device): it is not read"
                )
            if member.flag_bits & _ENCRYPTED:
                raise InputError(f"{path} is encrypted ({member.filename}): unpack it and give the folder")
            if not member.is_dir():
                yield _plain(member.filename), lambda member=member: archive.read(member)


def _refuse_text(path: Path, name: str) -> None:
    if not is_one_line(name):
        raise InputError(f"{path} holds {name!r}, a name that is not one line of UTF-8: rename it")


def _refuse_name(path: Path, name: str) -> None:
    _refuse_text(path, name)
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or PureWindowsPath(name).is_absolute():
        raise InputError(f"{path} holds an unsafe member ({name!r} leaves the archive's folder): it is not read")


def _refuse_kind(path: Path, member: tarfile.TarInfo) -> None:
    """Refuse devices, and links whose target lies outside the archive's folder."""
    if member.isreg() or member.isdir():
        return
    # A symbolic link is relative to its own folder, a hard one to the archive's.
    folder = posixpath.dirname(member.name) if member.issym() else ""
    target = posixpath.normpath(posixpath.join(folder, member.linkname))
    if not (member.issym() or member.islnk()) or target.startswith(("/", "../")) or target == "..":
        raise InputError(
            f"{path} holds an unsafe member ({member.name!r} is a device or leaves the archive's folder): "
            "it is not read"
        )


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _plain(name: str) -> str:
    return PurePosixPath(name).as_posix()
