"""Checkpoints of chosen epochs, which a training keeps on its way."""

import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from filterfreq.models.checkpoints import RECORD_FILE, save_checkpoint
from filterfreq.models.classifier import Classifier


class Snapshots:
    """The snapshots of one run: until its training has ended they lie beside its state, so that a rerun finds them.

    A snapshot is a checkpoint like that of the run, in a folder `epoch-<n>`: of the moving average where there is one.

    Args:
        epochs: after which epochs to keep one.
        unfinished: where they are kept until the training has ended.
        folder: where they go then; None where there are to be none.
        record: what each snapshot's record holds, of the row of its epoch in the history and the seconds until then.
    """

    def __init__(
        self,
        epochs: Collection[int],
        unfinished: Path,
        folder: Path | None,
        record: Callable[[Mapping[str, float], float], dict[str, Any]],
    ) -> None:
        self.epochs = sorted(epochs)
        self.unfinished = unfinished
        self.folder = folder
        self.record = record

    def missing_epochs(self, epochs: int) -> list[int]:
        """Return the epochs, of the first so many, whose snapshots should be there and are not."""
        due = [epoch for epoch in self.epochs if epoch <= epochs]
        return [epoch for epoch in due if not (self._unfinished_folder(epoch) / RECORD_FILE).is_file()]

    def keep(self, classifier: Classifier, row: Mapping[str, float], seconds: float) -> None:
        """Keep what is trained, if a snapshot of the epoch is wanted.

        Args:
            classifier: as it is after the epoch.
            row: of the epoch, in the history.
            seconds: what the training took until then.

        Raises:
            InputError: a weight is not finite, or the disk is full.
        """
        if row["epoch"] in self.epochs:
            save_checkpoint(self._unfinished_folder(row["epoch"]), classifier, self.record(row, seconds))

    def clear(self) -> None:
        """Remove what an earlier training has left, before one that starts afresh."""
        shutil.rmtree(self.unfinished, ignore_errors=True)

    def finish(self) -> None:
        """Move all snapshots to their folder; what was there before is removed."""
        if self.folder is None:
            self.clear()
            return
        self.unfinished.mkdir(parents=True, exist_ok=True)
        for left in self.unfinished.iterdir():
            if left not in map(self._unfinished_folder, self.epochs):
                shutil.rmtree(left)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.unfinished.rename(self.folder)

    def _unfinished_folder(self, epoch: int) -> Path:
        return self.unfinished / f"epoch-{epoch}"
