"""The state of a training between two batches, in a file that a later start of the job goes on from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import may_be_whole, reading, replacing, verify_zip


class StateFile:
    """Keeps the state of one training.

    Args:
        path: the file; training starts afresh where there is none.
        fingerprint: identifies spec, code and data; a state with another one is not resumed.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path = path
        self.fingerprint = fingerprint

    def write(self, state: dict[str, Any]) -> None:
        """Keep a state of tensors and plain values, in place of the one before.

        Raises:
            InputError: the disk is full.
        """
        with replacing(self.path) as temporary:
            torch.save({"fingerprint": self.fingerprint, **state}, temporary)

    def read(self, announce: Callable[[str], None]) -> dict[str, Any] | None:
        """Return the state that was kept, with its tensors on the CPU; None where training is to start afresh.

        Args:
            announce: takes the sentence that says why a state that is there is not used.

        Raises:
            InputError: the file may be whole, but cannot be read now.
        """
        if not self.path.exists():
            return None
        try:
            with reading(self.path, "training starts afresh"):
                verify_zip(self.path)
                state = torch.load(self.path, map_location="cpu", weights_only=True)
                fingerprint = state["fingerprint"]
        except InputError as error:
            if may_be_whole(error):
                raise
            announce(str(error))
            return None
        if fingerprint != self.fingerprint:
            announce(
                f"{self.path} is of a training with other settings, code, data, device, precision, threads or "
                "processes: training starts afresh"
            )
            return None
        return state
