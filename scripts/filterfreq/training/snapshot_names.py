"""The names of snapshots, `epoch-5` and `batch-100`, and when in a training each is kept. Imports no torch.

Batches are counted from the start of the training. A batch is what one step of the optimizer takes, and with its
replays counts once. Epoch 0 is before the first batch.
"""

from collections.abc import Collection, Mapping, Sequence

_DECIMALS = 6  # of an epoch of which only a part has passed


def snapshot_names(wanted: Sequence[int] | Mapping[str, Sequence[int]]) -> list[str]:
    """Return the names of what a config's `snapshots` asks for: batches, then epochs, each in order.

    Args:
        wanted: epochs, or `epochs` and `batches`.
    """
    numbers = wanted if isinstance(wanted, Mapping) else {"epochs": wanted}
    units = {"batch": numbers.get("batches", ()), "epoch": numbers.get("epochs", ())}
    return [f"{unit}-{number}" for unit, those in units.items() for number in sorted(those)]


def parse_snapshot(name: str) -> tuple[str, int]:
    """Return the unit of a snapshot's name, "epoch" or "batch", and the number."""
    unit, _, number = name.partition("-")
    return unit, int(number)


def batches_until(name: str, batches_per_epoch: int) -> int:
    """Return how many batches a training has gone through at a snapshot."""
    unit, number = parse_snapshot(name)
    return number if unit == "batch" else number * batches_per_epoch


def epoch_after(batches: int, batches_per_epoch: int) -> float:
    """Return the epoch after so many batches: a whole number at the end of each, else to six decimals."""
    whole, rest = divmod(batches, batches_per_epoch)
    return round(batches / batches_per_epoch, _DECIMALS) if rest else whole


def snapshots_problem(names: Collection[str], epochs: int, batches_per_epoch: int | None = None) -> str | None:
    """Say which snapshot a training cannot keep, as the rest of a sentence; None where there is none.

    Args:
        names: of all snapshots of the training.
        epochs: how many it has.
        batches_per_epoch: None where it is not known; then no batch is refused.
    """
    for unit, number in map(parse_snapshot, names):
        if unit == "epoch" and number > epochs:
            return f"snapshots names epoch {number}, the last one is {epochs}: name epochs up to that"
        if unit == "epoch" or batches_per_epoch is None:
            continue
        last = epochs * batches_per_epoch
        if number > last:
            return f"snapshots names batch {number}, the last one is {last}: name batches up to that"
        epoch = epoch_after(number, batches_per_epoch)
        if f"epoch-{epoch}" in names:
            return f"snapshots names batch {number}, which ends epoch {epoch}, and that epoch: leave one of them out"
    return None
