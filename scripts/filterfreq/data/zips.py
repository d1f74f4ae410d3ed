"""Files of a zip."""

import functools
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from filterfreq.data.members import Room, plain_name, refuse_name
from filterfreq.runtime.errors import InputError

_ENCRYPTED = 0x1  # of a zip member's flags (APPNOTE.TXT, section 4.4.4)
_FACTS_FOLLOW = 0x8
_UTF8 = 0x800

_LOCAL_HEADER = struct.Struct("<6xH6xIII")  # flags, checksum, compressed and full size (section 4.3.7)
_IS_ELSEWHERE = 0xFFFFFFFF
_ENTRY = b"PK\1\2"  # of a zip's directory


def files_of_zip(path: Path, room: Room, folders: list[str]) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield names of a zip's files and functions that read them, each to be called before the next is asked for.

    Args:
        path: the zip.
        room: what it may still unpack to.
        folders: the names of its folders are added to these.

    Raises:
        InputError: as for `filterfreq.data.archives.read_files`.
        zipfile.BadZipFile: it is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if min((member.header_offset for member in members), default=0) > 0:
            raise InputError(f"{path} begins with something else, as two zips that were put together do: pack it again")
        for member in members:
            refuse_name(path, member.orig_filename, member.orig_filename.endswith("/"))
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
                folders.append(plain_name(member.filename))
            else:
                yield plain_name(member.filename), functools.partial(archive.read, member)


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
