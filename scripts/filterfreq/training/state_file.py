"""Where an interrupted training keeps what it goes on from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import may_be_whole, reading, replacing, verify_zip


class StateFile:
    """A file of plain values and tensors that is whole or not there, and that only the same training reads.

    Args:
        path: the file.
        fingerprint: identifies the training: spec, code, and what else its bits depend on.
        announce: takes a line where there is a file that is not used.
    """

    def __init__(self, path: Path, fingerprint: str, announce: Callable[[str], None]) -> None:
        self.path = path
        self.fingerprint = fingerprint
        self.announce = announce

    def read(self) -> dict[str, Any] | None:
        """Return what `write` was given, with tensors on the CPU; None where there is nothing to go on from.

        Raises:
            InputError: the file may not be read.
        """
        if not self.path.exists():
            return None
        try:
            with reading(self.path, "training starts afresh"):
                verify_zip(self.path)
                state = torch.load(self.path, map_location="cpu", weights_only=True)
                fingerprint = state.pop("fingerprint")
        except InputError as error:
            if may_be_whole(error):
                raise
            self.announce(str(error))
            return None
        if fingerprint != self.fingerprint:
            self.announce("config, code, device or threads have changed since the last time, training starts afresh")
            return None
        return state

    def write(self, state: dict[str, Any]) -> None:
        """Keep a state.

        Raises:
            InputError: the disk is full.
        """
        with replacing(self.path) as temporary:
            torch.save({**state, "fingerprint": self.fingerprint}, temporary)

    def remove(self) -> None:
        """Remove the file, once the results are written."""
        self.path.unlink(missing_ok=True)
