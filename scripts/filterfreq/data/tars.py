"""Files of a tar, plain or compressed."""

import functools
import posixpath
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from filterfreq.data.members import Room, is_hidden, plain_name, refuse_name
from filterfreq.runtime.errors import InputError

_LONGEST_HEADER = 1 << 14  # bytes of a tar's extended header: names, times, attributes
_MOST_GLOBAL = 100  # fields of headers that hold for all members
_HOPS = 40  # links of links, as many as Linux follows


def open_tar(path: Path, room: Room) -> tarfile.TarFile | None:
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


def files_of_tar(
    path: Path, room: Room, opened: tarfile.TarFile, folders: list[str]
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield names of a tar's files and functions that read them, each to be called before the next is asked for.

    Args:
        path: the tar.
        room: what it may still unpack to.
        opened: what `open_tar` returns.
        folders: the names of its folders are added to these.

    Raises:
        InputError: as for `filterfreq.data.archives.read_files`.
    """
    with opened as archive:
        links = []
        for member in archive:
            refuse_name(path, member.name, member.isdir())
            _refuse_kind(path, member)
            if member.issym() or member.islnk():
                room.take_member(member.name, 0)
                if not is_hidden(member.name):
                    links.append(member)
            elif member.isdir():
                folders.append(plain_name(member.name))
            else:
                room.take_member(member.name, member.size)
                yield plain_name(member.name), lambda member=member: archive.extractfile(member).read()
        _read_to_the_end(path, room, archive)
        # Last, in the order of their targets: a compressed tar is read from its front once more, and not for each.
        for target, names in _targets(path, archive, links):
            read = functools.cache(lambda target=target: archive.extractfile(target).read())
            for name in names:
                room.take_member(name, target.size)
                yield plain_name(name), read


def _read_to_the_end(path: Path, room: Room, archive: tarfile.TarFile) -> None:
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
