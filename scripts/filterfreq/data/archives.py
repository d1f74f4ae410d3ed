"""Files of a folder, a tar or a zip, read the same way, without unpacking them; and the unpacking of large ones.

An archive is read to its very end, where its checksums are, and what it unpacks to is bounded: see docs/security.md.
"""

import functools
import hashlib
import itertools
import os
import posixpath
import shutil
import stat
import struct
import tarfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import full_disk_named, reading
from filterfreq.runtime.text import is_one_line

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".dib"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)

_OF_OTHERS = ("__MACOSX", "lost+found")  # archivers and file systems
_REMEDY = "replace it by a whole copy"
# An archive may unpack to so many bytes, and to so many more for each of its own. Images are compressed already; those
# that are not, flat ones at best, shrink to a hundredth.
_SMALLEST = 1 << 30
_RATIO = 100
_LARGEST_MEMBER = 2 << 30  # bytes, for a member is read in one piece
_COST_OF_MEMBER = 1 << 13  # bytes that reading an empty one takes
_LONGEST_NAME = 255  # bytes of one part of a path, as on all file systems in use
_LONGEST_PATH = 1000  # bytes, so that there is room for the folder
_LONGEST_HEADER = 1 << 14  # bytes of a tar's extended header: names, times, attributes
_MOST_GLOBAL = 100  # fields of headers that hold for all members
_HOPS = 40  # links of links, as many as Linux follows
_VISITS = 8  # to one folder, by links
_ENCRYPTED = 0x1  # of a zip member's flags (APPNOTE.TXT, section 4.4.4)
_FACTS_FOLLOW = 0x8
_UTF8 = 0x800
_LOCAL_HEADER = struct.Struct("<6xH6xIII")  # flags, checksum, compressed and full size (section 4.3.7)
_IS_ELSEWHERE = 0xFFFFFFFF
_ENTRY = b"PK\1\2"  # of a zip's directory


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
    room = _Room(path)
    # A tar may hold a zip that would be found at its end, so it is asked first.
    tar = _open_tar(path, room)
    if tar is None and not zipfile.is_zipfile(path):
        raise InputError(f"{path} cannot be read (neither tar nor zip): {_REMEDY}")
    seen: set[str] = set()
    above: set[str] = set()
    found = _files_of_zip(path, room, folders) if tar is None else _files_of_tar(path, room, tar, folders)
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
        place = found.st_dev, found.st_ino
        self.visits[place] += 1
        if place in above or self.visits[place] > _VISITS:
            link = next((each for each in (folder, *folder.parents) if each.is_symlink()), folder)
            raise InputError(f"{link} leads back to a folder that is read already: remove the link")
        return above | {place}


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
            _refuse_text(path, name)
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
    raise InputError(f"{entry.path} is {what}: remove it, or put back what belongs there")


def _content_of_file(path: Path) -> bytes:
    with reading(path, "prepare the data set again"):
        return path.read_bytes()


class _Room:
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


def _open_tar(path: Path, room: _Room) -> tarfile.TarFile | None:
    """Open a tar that shows what Python's own reader passes over; None where there is none."""

    def check(member: tarfile.TarInfo) -> tarfile.TarInfo:
        if member.type in _EXTENDED:
            if not 0 <= member.size <= _LONGEST_HEADER:
                raise InputError(
                    f"{path} has a header of {member.size} bytes: pack it again, without extended attributes"
                )
            # tarfile looks for a field in time that grows with the square of the length.
            room.take(member.size**2 // 8)
        return member

    class Member(tarfile.TarInfo):
        @classmethod
        def frombuf(cls, buf: bytes, encoding: str, errors: str) -> tarfile.TarInfo:
            return check(super().frombuf(buf, encoding, errors))

        @classmethod
        def _frombuf(cls, buf: bytes, encoding: str, errors: str, **options: bool) -> tarfile.TarInfo:
            # What later releases of each Python, and Debian's, call instead.
            return check(super()._frombuf(buf, encoding, errors, **options))

        @classmethod
        def fromtarfile(cls, archive: tarfile.TarFile) -> tarfile.TarInfo:
            try:
                member = super().fromtarfile(archive)
            except tarfile.EOFHeaderError:
                raise
            except tarfile.HeaderError as error:
                # It would be taken for the end.
                raise tarfile.ReadError(f"no header at byte {archive.offset}: {error}") from error
            # Or the same members would be read for ever.
            if member.size < 0 or archive.offset <= member.offset:
                raise ValueError(f"impossible size {member.size}")
            if len(archive.pax_headers) > _MOST_GLOBAL:
                raise ValueError(f"more than {_MOST_GLOBAL} fields for all members")
            member.pax_headers = {}  # copies of the same for each
            return member

    try:
        return tarfile.open(path, "r:*", tarinfo=Member)
    except tarfile.TarError:
        return None


_EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


def _files_of_tar(
    path: Path, room: _Room, opened: tarfile.TarFile, folders: list[str]
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    with opened as archive:
        links = []
        for member in archive:
            _refuse_name(path, member.name, member.isdir())
            _refuse_kind(path, member)
            if member.issym() or member.islnk():
                room.take_member(member.name, 0)
                if not is_hidden(member.name):
                    links.append(member)
            elif member.isdir():
                folders.append(_plain(member.name))
            else:
                room.take_member(member.name, member.size)
                yield _plain(member.name), lambda member=member: archive.extractfile(member).read()
        _read_to_the_end(path, room, archive)
        # Last, in the order of their targets: a compressed tar is read from its front once more, and not for each.
        for target, names in _targets(path, archive, links):
            read = functools.cache(lambda target=target: archive.extractfile(target).read())
            for name in names:
                room.take_member(name, target.size)
                yield _plain(name), read


def _read_to_the_end(path: Path, room: _Room, archive: tarfile.TarFile) -> None:
    """Read what follows the block of zeros that ends a tar: more zeros, and then a compressed file's checksum."""
    while rest := archive.fileobj.read(1 << 20):
        room.take(len(rest))
        if rest.strip(b"\0"):
            raise InputError(
                f"{path} goes on after its end, as a damaged tar does, or two that were put together: pack it again"
            )


def _targets(
    path: Path, archive: tarfile.TarFile, links: list[tarfile.TarInfo]
) -> list[tuple[tarfile.TarInfo, list[str]]]:
    """Return the files that links lead to, in the order in which they lie there, with the links' names."""
    member_of = {posixpath.normpath(member.name): member for member in archive.getmembers()} if links else {}
    found = defaultdict(list)
    for link in links:
        target = link
        for _ in range(_HOPS):
            if target is None or not (target.issym() or target.islnk()):
                break
            target = member_of.get(_target(target))
        if target is None or not target.isreg():
            raise InputError(
                f"{path} holds the link {link.name!r}, which leads to no file in it: pack the files themselves, as tar "
                "does with --dereference and --hard-dereference"
            )
        found[target.offset_data].append((target, link.name))
    return [(same[0][0], [name for _, name in same]) for _, same in sorted(found.items())]


def _target(link: tarfile.TarInfo) -> str:
    """Return where a link leads; a symbolic one is relative to its own folder, a hard one to the archive's."""
    folder = posixpath.dirname(link.name) if link.issym() else ""
    return posixpath.normpath(posixpath.join(folder, link.linkname))


def _files_of_zip(path: Path, room: _Room, folders: list[str]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if min((member.header_offset for member in members), default=0) > 0:
            raise InputError(f"{path} begins with something else, as two zips that were put together do: pack it again")
        for member in members:
            _refuse_name(path, member.orig_filename, member.orig_filename.endswith("/"))
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise InputError(
                    f"{path} holds an unsafe member ({member.filename} is a link or a device): it is not read"
                )
            if member.flag_bits & _ENCRYPTED:
                raise InputError(f"{path} is encrypted ({member.filename}): unpack it and give the folder")
            room.take_member(member.filename, member.file_size)
            _compare_with_directory(archive, member)
            if member.is_dir():
                folders.append(_plain(member.filename))
            else:
                yield _plain(member.filename), functools.partial(archive.read, member)


def _compare_with_directory(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Find damage of a zip's directory, over which there is no checksum: what it says stands beside the contents too.

    Raises:
        zipfile.BadZipFile: it is damaged.
    """
    if _ENTRY in member.comment + member.extra:  # a wrong length has swallowed the next entry
        raise zipfile.BadZipFile(f"the entry of {member.filename!r} holds another")
    with archive.open(member):  # which compares the names
        pass
    archive.fp.seek(member.header_offset)
    flags, *facts = _LOCAL_HEADER.unpack(archive.fp.read(_LOCAL_HEADER.size))
    expected = [member.CRC, member.compress_size, member.file_size]
    # A writer that could not go back has them after the content, and large sizes stand elsewhere.
    if not flags & _FACTS_FOLLOW and any(a not in (b, _IS_ELSEWHERE) for a, b in zip(facts, expected, strict=True)):
        raise zipfile.BadZipFile(f"the directory says something else of {member.filename!r} than the file")
    if (flags ^ member.flag_bits) & _UTF8 and not member.orig_filename.isascii():
        raise zipfile.BadZipFile(f"the directory has the name {member.filename!r} in another encoding than the file")


def _refuse_text(path: Path, name: str) -> None:
    if not is_one_line(name):
        raise InputError(f"{path} holds {name!r}, a name that is not one line of UTF-8: rename it")


def _refuse_name(path: Path, name: str, is_folder: bool) -> None:
    _refuse_text(path, name)
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or PureWindowsPath(name).is_absolute():
        raise InputError(f"{path} holds an unsafe member ({name!r} leaves the archive's folder): it is not read")
    # Parts of a name of thousands would take the square of their number.
    if len(name.encode()) > _LONGEST_PATH or any(len(part.encode()) > _LONGEST_NAME for part in parts.parts):
        raise InputError(f"{path} holds a name of {len(name)} characters, {name[:40]!r}...: shorten it")
    if not (parts.parts or is_folder):
        raise InputError(f"{path} holds a file without a name: pack it again")


def _refuse_kind(path: Path, member: tarfile.TarInfo) -> None:
    """Refuse devices, and links whose target lies outside the archive's folder."""
    if member.isreg() or member.isdir():
        return
    target = _target(member)
    if not (member.issym() or member.islnk()) or target.startswith(("/", "../")) or target == "..":
        raise InputError(
            f"{path} holds an unsafe member ({member.name!r} is a device or leaves the archive's folder): "
            "it is not read"
        )


def is_hidden(name: str) -> bool:
    """Return whether a file or folder, or one that it is in, is hidden or another program's."""
    return any(part.startswith(".") or part in _OF_OTHERS for part in name.split("/"))


def _plain(name: str) -> str:
    return PurePosixPath(name).as_posix()
