"""The exceptions that end a job with a sentence: bad input, and a request to stop."""

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from filterfreq.runtime.text import one_line

_LISTED = 12  # names
_OFFERED = 40


class InputError(Exception):
    """Bad input, said in one sentence: what is wrong, where, and what to do about it.

    The sentence may hold anything from outside; it is kept as `one_line` makes it. Of several mistakes in one file each
    has a line.
    """

    def __init__(self, *sentences: object) -> None:
        super().__init__(";\n".join(map(one_line, sentences)))


class StoppedError(Exception):
    """A job was asked to stop, and has kept what it needs to go on from there; the message says so.

    Attributes:
        progressed: whether the job has come further than where it began; one that has not will not get there by
            another start of the same length.
    """

    def __init__(self, message: str, progressed: bool = True) -> None:
        super().__init__(message)
        self.progressed = progressed


def unknown_name(kind: str, name: object, known: Iterable[str], otherwise: str = "") -> InputError:
    """Return the error for a name that is none of the known ones; it offers the closest, or else all, up to 40.

    A number is close to none: 3 is no slip for 33. `otherwise` stands in place of all, where something else says them.
    """
    known = list(known)
    shown = one_line(name, 100)
    close = difflib.get_close_matches(shown, known, n=1) if isinstance(name, str) else []
    hint = f"choose one of {list_some(known, 'or', _OFFERED)}" if known else "there is none"
    hint = f"did you mean {close[0]!r}?" if close else otherwise or hint
    return InputError(f"unknown {kind} {shown!r}: {hint}")


def list_some(names: Iterable[str], conjunction: str = "and", most: int = _LISTED) -> str:
    """Return the first of some names, as a sentence can list them, and how many more there are."""
    names = list(names)
    more = f" {conjunction} {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


@contextmanager
def naming(subject: object) -> Iterator[None]:
    """Begin each sentence of bad input with what it is about, such as a file, where it does not say that itself."""
    try:
        yield
    except InputError as error:
        if one_line(subject) in str(error):
            raise
        raise InputError(f"{subject}: {error}") from error


def run_check(check: Callable[[Any], object], name: Any, where: str) -> None:
    """Call a check that may refuse a name, and say where in the config the name stands.

    Raises:
        InputError: the check does; the sentence begins with the name's key.
    """
    try:
        check(name)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
