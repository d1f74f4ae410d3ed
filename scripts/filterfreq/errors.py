"""The exceptions that end a job with a sentence: bad input, and a request to stop."""

import difflib
from collections.abc import Iterable


class InputError(Exception):
    """Bad input, said in one sentence: what is wrong, where, and what to do about it."""


class StoppedError(Exception):
    """A job was asked to stop, and has kept what it needs to go on from there; the message says so.

    Attributes:
        progressed: whether the job has come further than where it began; one that has not will not get there by
            another start of the same length.
    """

    def __init__(self, message: str, progressed: bool = True) -> None:
        super().__init__(message)
        self.progressed = progressed


def unknown(kind: str, name: object, known: Iterable[str]) -> InputError:
    """Return the error for a name that is none of the known ones; it offers the closest, or else all of them."""
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(known)}"
    return InputError(f"unknown {kind} {name!r}: {hint}")
