"""Files that appear whole or not at all, their checksums, and what their names may hold."""

import errno
import hashlib
import json
import math
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filterfreq.runtime.errors import InputError, StoppedError
from filterfreq.runtime.text import one_line

# A disk or a quota is full, or a file too large for it.
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# A disk that fails or has gone, no memory or too many open files, a folder; all but these may be a damaged file's.
_OF_SYSTEM = {errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.ENOMEM, errno.EMFILE, errno.EISDIR}
# What a remedy says of a file that is there.
_DELETION = re.compile(r"delete (it|its folder|\S+) and (?=(run|plan)\b)")
# The last entry of the JSON that is written here: the SHA-256 of the others.
_CHECKSUM = "content_sha256"


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary file beside `path` that takes its place once the block has ended well.

    The temporary file keeps the suffix of `path`, because writers choose their format by it. When the block raises,
    it is removed and `path` stays as it was. After a SIGKILL it stays behind under the one name that the next writer
    of `path` uses again; so a path has one writer at a time.

    Raises:
        InputError: the disk or the quota is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(b"")
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:
        if _is_full(error, temporary):
            raise _no_space(f"writing {path}") from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def reading(path: str | Path, remedy: str) -> Iterator[None]:
    """Say in a sentence that a file cannot be read, whatever the fault of it is.

    Decoders fail in more ways than their documentation lists: a flipped bit makes them raise anything from KeyError to
    RecursionError. So every error counts as the file's, and the block holds nothing but its reading; all but those that
    say nothing of what is in it: that memory is short, or that the system cannot read it.

    Args:
        path: the file, for the message.
        remedy: what to do about it, such as "delete it and run again".

    Raises:
        InputError: the block raised an error; those that are sentences already are left as they are.
    """
    try:
        yield
    except (InputError, StoppedError):
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path} is missing: {_DELETION.sub('', remedy)}") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read by you: change its permissions, or ask its owner") from error
    except MemoryError as error:
        raise InputError(
            f"{path} takes more memory than there is: give it more, unless the file is damaged and only claims so much"
        ) from error
    except Exception as error:
        if _says_nothing_of_content(error):
            raise InputError(
                f"{path} cannot be read ({one_line(error.strerror, 200)}): look what it is and where it lies"
            ) from error
        reason = one_line(error, 200)
        raise InputError(
            f"{path} is damaged or not what it should be ({type(error).__name__}{f': {reason}' if reason else ''}): "
            f"{remedy}"
        ) from error


def may_be_whole(error: InputError) -> bool:
    """Return whether the file that `reading` could not read may be whole all the same, so that it must be kept."""
    cause = error.__cause__
    return isinstance(cause, PermissionError | MemoryError) or _says_nothing_of_content(cause)


def _says_nothing_of_content(error: BaseException | None) -> bool:
    """Whether it is the system that cannot read, as of a folder, or of a disk that has gone."""
    return isinstance(error, OSError) and error.errno in _OF_SYSTEM


@contextmanager
def naming_full_disk(doing: str) -> Iterator[None]:
    """Say in a sentence that a disk or a quota is full.

    Args:
        doing: what the block does, such as "writing <path>".

    Raises:
        InputError: the block raised an OSError that says so.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise _no_space(doing) from error


def _no_space(doing: str) -> InputError:
    return InputError(f"no space left while {doing}: free some space or choose another disk, then run again")


def _is_full(error: OSError | RuntimeError, temporary: Path) -> bool:
    """Whether a write failed for want of space; numpy and torch hide the reason, so then the file itself is asked."""
    if getattr(error, "errno", None) is None:
        try:
            with open(temporary, "ab") as file:
                file.write(bytes(2**20))
        except OSError as refusal:
            error = refusal
    return getattr(error, "errno", None) in _NO_SPACE


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum_file(path: Path) -> Path:
    """Return where the SHA-256 of a file lies that `replacing_with_checksum` has written."""
    return path.with_name(f"{path.name}.sha256")


@contextmanager
def replacing_with_checksum(path: str | Path) -> Iterator[Path]:
    """Do as `replacing`, and write the SHA-256 of the file beside it, as `sha256sum --check` reads it.

    Raises:
        InputError: the disk or the quota is full.
    """
    path = Path(path)
    with replacing(path) as temporary:
        yield temporary
        # Before the file itself: the checksum of a file that never appeared does no harm.
        with replacing(checksum_file(path)) as checksum:
            checksum.write_text(f"{sha256(temporary)}  {path.name}\n", encoding="utf-8")


def verify_checksum(path: str | Path) -> None:
    """Compare a file with the SHA-256 beside it; one that has none, or whose checksum was deleted, is taken as it is.

    Raises:
        InputError: the file was changed since it was written, or its checksum cannot be read.
    """
    path = Path(path)
    checksum = checksum_file(path)
    if not os.path.lexists(checksum):
        return
    with reading(checksum, f"delete it and {path.name}, and run again"):
        recorded = checksum.read_text(encoding="utf-8").split()[:1]
    if recorded != [sha256(path)]:
        raise InputError(
            f"{path} was changed since it was written, its SHA-256 is not the one in {checksum}: delete it and run "
            f"again (or delete {checksum.name}, to have the change used)"
        )


def verify_zip(path: str | Path) -> None:
    """Compare each member of a zip file, such as torch and numpy write, with its CRC-32.

    Neither does so itself: torch never, and numpy not where a damaged header says that an array is shorter.

    Raises:
        ValueError: a member is damaged, or compressed, which neither of them does and which a small file could use to
            become a large one. Of other damage zipfile raises what it will; so call it within `reading`.
    """
    with zipfile.ZipFile(path) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("its members are compressed")
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"{damaged} in it does not have its checksum")


def to_json(content: dict[str, Any], indent: int | None = 2) -> str:
    """Return an object as JSON, its last entry the SHA-256 of the others, by which `read_json` knows it again.

    Args:
        content: JSON-ready, without numbers that are not finite.
        indent: spaces of each level; None writes one line.

    Raises:
        ValueError: a number is not finite.
    """
    return json.dumps({**content, _CHECKSUM: _digest(content)}, indent=indent, allow_nan=False) + "\n"


def write_json(path: str | Path, content: dict[str, Any], indent: int | None = 2) -> None:
    """Write what `to_json` returns, whole or not at all.

    Raises:
        InputError: the disk or the quota is full.
    """
    with replacing(path) as temporary:
        temporary.write_text(to_json(content, indent), encoding="utf-8")


def read_json(path: str | Path, remedy: str = "delete it and run again") -> dict[str, Any]:
    """Read a JSON object, and compare it with the checksum that it holds, if it holds one.

    What was written before there were checksums has none, and a user who wants an edit used deletes it.

    Args:
        path: the file.
        remedy: what to do when it cannot be read, for the message.

    Returns:
        The object, without the checksum.

    Raises:
        InputError: the file is missing, is no JSON object, was changed, or has a number that is not finite or two keys
            of one name in an object.
    """
    with reading(path, remedy):
        content = json.loads(
            Path(path).read_text(encoding="utf-8"),
            parse_float=_finite,
            parse_constant=_finite,
            object_pairs_hook=_object,
        )
        if not isinstance(content, dict):
            raise ValueError("no JSON object")
        known = _CHECKSUM not in content or content.pop(_CHECKSUM) == _digest(content)
    if not known:
        raise InputError(
            f"{path} was changed since it was written, it does not have the SHA-256 that its entry {_CHECKSUM} says: "
            f"{remedy} (or delete the entry, to have the change used)"
        )
    return content


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        twice = next(key for number, (key, _) in enumerate(pairs) if key in dict(pairs[:number]))
        raise ValueError(f"the key {twice!r} is there twice in one object")
    return content


def record_folder(folder: str | Path, record: str | Path) -> None:
    """Write the SHA-256 of each JSON file of a folder, by name; these hold the checksums of all else that is in it.

    Of a folder Snakemake compares the time alone, which a copy need not keep; of this file it compares the content.

    Args:
        folder: a folder that is finished.
        record: the file to write, outside of it.
    """
    write_json(record, {path.name: sha256(path) for path in sorted(Path(folder).glob("*.json"))})


def _digest(content: dict[str, Any]) -> str:
    # Of what is read, not of the text: spaces and line ends may be others.
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value
