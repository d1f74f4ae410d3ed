"""Files that appear whole or not at all, their checksums, and what their names may hold."""

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filterfreq.errors import InputError, StoppedError
from filterfreq.text import one_line

# A disk or a quota is full, or a file too large for it.
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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
    RecursionError. So every error counts as the file's, and the block holds nothing but its reading.

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
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: {remedy}") from error
    except PermissionError as error:
        raise InputError(f"{path} may not be read by you: change its permissions, or ask its owner") from error
    except MemoryError as error:
        raise InputError(f"{path} takes more memory than there is: {remedy}") from error
    except Exception as error:
        reason = one_line(error, 200)
        raise InputError(
            f"{path} is damaged or not what it should be ({type(error).__name__}{f': {reason}' if reason else ''}): "
            f"{remedy}"
        ) from error


@contextmanager
def full_disk_named(doing: str) -> Iterator[None]:
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


def write_json(path: str | Path, content: dict, indent: int | None = 2) -> None:
    """Write `content` as JSON, indented unless `indent` is None, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=indent) + "\n", encoding="utf-8")


def read_json(path: str | Path) -> dict:
    """Read a JSON object.

    Raises:
        InputError: the file is missing, or is not JSON.
    """
    with reading(path, "delete it and run again"):
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise InputError(f"{path} is damaged, it holds no JSON object: delete it and run again")
    return content


def record_folder(folder: str | Path, record: str | Path) -> None:
    """Write the SHA-256 of each JSON file of a folder, by name; these hold the checksums of all else that is in it.

    Of a folder Snakemake compares the time alone, which a copy need not keep; of this file it compares the content.

    Args:
        folder: a folder that is finished.
        record: the file to write, outside of it.
    """
    write_json(record, {path.name: sha256(path) for path in sorted(Path(folder).glob("*.json"))})
