"""Checkpoints of chosen epochs and batches, which a training keeps on its way."""

import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from filterfreq.models.checkpoints import RECORD_FILE, save_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.runtime.errors import InputError
from filterfreq.training.snapshot_names import batches_until, epoch_after, snapshots_problem


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

    def begin(self, training: str, epochs: int, batches_per_epoch: int) -> None:
        """Hear of the training, before it starts.

        Args:
            training: what sentences call it.
            epochs: how many it has.
            batches_per_epoch: how many each of them has.

        Raises:
            InputError: a snapshot is wanted that the training does not come to.
        """
        if (problem := snapshots_problem(sorted(self.names), epochs, batches_per_epoch)) is not None:
            raise InputError(f"training of {training}: {problem}")
        self.batches_per_epoch = batches_per_epoch

    def missing(self, state: Mapping[str, Any]) -> list[str]:
        """Return the snapshots that should be there in a kept state of the training, and are not."""
        batches = len(state["history"]) * self.batches_per_epoch + state["finished_batches"]
        due = [name for name in sorted(self.names) if batches_until(name, self.batches_per_epoch) <= batches]
        return [name for name in due if not (self.unfinished / name / RECORD_FILE).is_file()]

    def keep(
        self, classifier: Classifier, batches: int, seconds: float, row: Mapping[str, float] | None = None
    ) -> None:
        """Keep what is trained, if a snapshot is wanted here.

        Args:
            classifier: as it is now.
            batches: how many the training has gone through.
            seconds: what the finished epochs took.
            row: of the epoch that has ended, in the history; None after a batch, or before the first one.

        Raises:
            InputError: a weight is not finite, or the disk is full.
        """
        of_batch = f"batch-{batches}" if batches else "epoch-0"
        name = of_batch if row is None else f"epoch-{row['epoch']}"
        if name in self.names:
            so_far = {"epoch": epoch_after(batches, self.batches_per_epoch), "batches": batches}
            save_checkpoint(self.unfinished / name, classifier, self.record(row or so_far, seconds))

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
