"""What a long evaluation has done so far, kept beside its result, so that an interrupted one goes on from there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import may_be_whole, read_json, write_json


class Progress:
    """Flags of the images of each finished batch, in a small JSON file that is written after every batch.

    An evaluation whose draws derive from the seed and the batch alone ends with the same result, interrupted or not.

    Args:
        path: the file; None keeps nothing.
        fingerprint: JSON-ready; identifies model, data, settings and code. A file with another one is not used.
        announce: takes one line, where there is something to go on from.

    Raises:
        InputError: the file may not be read.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        fingerprint: Any = None,
        announce: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.path = None if path is None else Path(path)
        self.fingerprint = json.dumps(fingerprint, sort_keys=True)
        self.batches: dict[str, list] = {}
        if self.path is not None and self.path.exists():
            try:
                content = read_json(self.path)
            except InputError as error:
                if may_be_whole(error):
                    raise
                # Half a file is what a lost node may leave behind: its batches are computed again.
                content = {}
            batches = content.get("batches")
            if content.get("fingerprint") == self.fingerprint and _are_batches(batches):
                self.batches = batches
                announce(f"goes on after {len(self.batches)} finished batches, kept in {self.path}")

    def flags(self, key: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the flags of one batch: those of the file, or else newly computed ones, which are added to it.

        Args:
            key: the batch's name, unique within the evaluation.
            compute: returns the flags, bool, N.

        Raises:
            InputError: the disk is full.
        """
        if key in self.batches:
            return np.array(self.batches[key], dtype=bool)
        flags = compute()
        if self.path is not None:
            self.batches[key] = flags.astype(int).tolist()
            write_json(self.path, {"fingerprint": self.fingerprint, "batches": self.batches}, indent=None)
        return flags

    def remove(self) -> None:
        """Remove the file, once the result is written."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _are_batches(value: Any) -> bool:
    """Whether a value is flags, 0 or 1, by the name of their batch."""
    return isinstance(value, dict) and all(
        isinstance(flags, list) and all(type(flag) is int and flag in (0, 1) for flag in flags)
        for flags in value.values()
    )
