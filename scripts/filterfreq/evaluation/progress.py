"""What a long evaluation has done so far, kept beside its result, so that an interrupted one goes on from there.

Of several models, the snapshots of a run, each has a file of its own, which holds its rows once it is measured.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import may_be_whole, read_json, write_json


class Progress:
    """Flags of the images of each finished batch, or its numbers, in a small JSON file written after every one.

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
        self.sums: dict[str, list] = {}
        self.finished: list[dict[str, Any]] = []
        if self.path is not None and self.path.exists():
            try:
                content = read_json(self.path)
            except InputError as error:
                if may_be_whole(error):
                    raise
                # Half a file is what a lost node may leave behind: its batches are computed again.
                content = {}
            batches, sums, rows = (content.get(key) for key in ("batches", "sums", "rows"))
            is_whole = _are(_is_flag, batches) and _are(_is_number, sums) and _is_rows(rows)
            if content.get("fingerprint") == self.fingerprint and is_whole:
                self.batches, self.sums, self.finished = batches, sums, _restore_nan(rows)
                if not self.finished:
                    announce(f"goes on after {len(batches) + len(sums)} finished batches, kept in {self.path}")

    def flags(self, key: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the flags of one batch: those of the file, or else newly computed ones, which are added to it.

        Args:
            key: the batch's name, unique within the evaluation.
            compute: returns the flags, bool, N.

        Raises:
            InputError: the disk is full.
        """
        return self._kept(self.batches, key, lambda: compute().astype(int)).astype(bool)

    def numbers(self, key: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the numbers of one batch, as `flags` does: the same bits, whether computed or read.

        Args:
            key: the batch's name, unique within the evaluation.
            compute: returns them, float64, finite, N.

        Raises:
            InputError: the disk is full.
        """
        return self._kept(self.sums, key, compute)

    def rows(self, compute: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """Return the rows of the whole evaluation: those of the file, or else newly computed ones, which go there.

        Args:
            compute: returns them, as `filterfreq.evaluation.results.fraction` and `quantity` make them.

        Raises:
            InputError: the disk is full.
        """
        if not self.finished:
            self.finished = compute()
            self._write()
        return self.finished

    def _kept(self, values: dict[str, list], key: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        if key in values:
            return np.array(values[key])
        computed = compute()
        if self.path is not None:
            values[key] = computed.tolist()
            self._write()
        return computed

    def _write(self) -> None:
        if self.path is not None:
            content = {"fingerprint": self.fingerprint, "batches": self.batches, "sums": self.sums}
            write_json(self.path, content | {"rows": _replace_nan(self.finished)}, indent=None)

    def remove(self) -> None:
        """Remove the file, once the result is written."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _replace_nan(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows as JSON can hold them, with None for what is no number."""
    return [{key: None if value != value else value for key, value in row.items()} for row in rows]


def _restore_nan(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: math.nan if value is None else value for key, value in row.items()} for row in rows]


def _are(is_one: Callable[[Any], bool], value: Any) -> bool:
    """Whether a value is lists of one kind by the name of their batch."""
    return isinstance(value, dict) and all(isinstance(ones, list) and all(map(is_one, ones)) for ones in value.values())


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def _is_flag(value: Any) -> bool:
    return type(value) is int and value in (0, 1)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
