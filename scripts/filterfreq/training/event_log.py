"""The history of a training run as event files, which TensorBoard shows."""

import shutil
from collections.abc import Sequence
from pathlib import Path


class EventLog:
    """Writes one scalar per column of the history and epoch into a folder that holds nothing else.

    The log of a process begins with the whole history, in place of what an interrupted process left: it always holds
    each epoch once, also one that was trained again, and the same numbers as `history.csv`, in single precision.

    Args:
        folder: where the event files go; it is made, and emptied before the first epoch is written.
    """

    def __init__(self, folder: Path) -> None:
        # Here, not above: it takes seconds, and runs without such a log have no use for it.
        from torch.utils.tensorboard import SummaryWriter

        shutil.rmtree(folder, ignore_errors=True)
        self._writer = SummaryWriter(folder)
        self._written = 0

    def update(self, history: Sequence[dict]) -> None:
        """Write the epochs that are not there yet.

        Args:
            history: all finished epochs, as `filterfreq.training.loop.Trainer.history` has them.
        """
        for row in history[self._written :]:
            for name, value in row.items():
                if name != "epoch":
                    self._writer.add_scalar(name, value, row["epoch"])
        self._written = len(history)
        self._writer.flush()

    def close(self) -> None:
        """Finish the event file."""
        self._writer.close()
