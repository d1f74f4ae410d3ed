"""Checkpoints of chosen epochs and batches, which a training keeps on its way."""

import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from filterfreq.models.checkpoints import RECORD_FILE, save_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.training.snapshot_names import due_snapshots


class Snapshots:
    """The snapshots of one run: until its training has ended they lie beside its state, so that a rerun finds them.

    A snapshot is a checkpoint like that of the run, in a folder of its name: of the moving average where there is one.

    Args:
        names: which to keep, see `filterfreq.training.snapshot_names`.
        unfinished: where they are kept until the training has ended.
        folder: where they go then; None where there are to be none.
        record: what each snapshot's record holds, of what is measured of it and the seconds of finished epochs.
    """

    def __init__(
        self,
        names: Collection[str],
        unfinished: Path,
        folder: Path | None,
        record: Callable[[Mapping[str, float], float], dict[str, Any]],
    ) -> None:
        self.names = frozenset(names)
        self.unfinished = unfinished
        self.folder = folder
        self.record = record

    def missing(self, batches: int, batches_per_epoch: int) -> list[str]:
        """Return the snapshots of the first so many batches that should be there and are not."""
        due = sorted(due_snapshots(self.names, batches, batches_per_epoch))
        return [name for name in due if not (self.unfinished / name / RECORD_FILE).is_file()]

    def keep(self, name: str, classifier: Classifier, measured: Mapping[str, float], seconds: float) -> None:
        """Keep what is trained, if a snapshot of this name is wanted.

        Args:
            name: see `filterfreq.training.snapshot_names`.
            classifier: as it is now.
            measured: what is known of it: the row of its epoch in the history, or epoch and batches so far.
            seconds: what the finished epochs took.

        Raises:
            InputError: a weight is not finite, or the disk is full.
        """
        if name in self.names:
            save_checkpoint(self.unfinished / name, classifier, self.record(measured, seconds))

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
            if left.name not in self.names:
                shutil.rmtree(left)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.unfinished.rename(self.folder)
