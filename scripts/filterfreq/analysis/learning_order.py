"""When in a training a measure reaches a level: what is learned first."""

from collections.abc import Mapping

import numpy as np


def asks_for_share(over_training: Mapping[str, float]) -> bool:
    """Return whether a claim's `over_training` asks when something is reached, and not for a value at an epoch."""
    return "reach" in over_training or "below" in over_training


def share_of_training(epochs: np.ndarray, values: np.ndarray, over_training: Mapping[str, float]) -> float:
    """Return after what share of a training a measure has reached what a claim's `over_training` names.

    Args:
        epochs: of the snapshots, N, increasing; the last one counts as the whole training.
        values: of the measure at each, N.
        over_training: with `reach`, and perhaps `above`, see `share_until`; or with `below`, see `share_until_below`.
    """
    if "below" in over_training:
        return share_until_below(epochs, values, over_training["below"])
    return share_until(epochs, values, over_training["reach"], over_training.get("above", 0.0))


def share_until_below(epochs: np.ndarray, values: np.ndarray, below: float) -> float:
    """Return the share of a training after which a measure is below a level for the first time.

    Between two snapshots the measure is taken to go in a line.

    Args:
        epochs: of the snapshots, N, increasing; the last one counts as the whole training.
        values: of the measure at each, N.
        below: the level.

    Returns:
        In [0, 1]: that of the first snapshot where its value is lower already, and 1 where no snapshot's is, which is
        the least that it may be. NaN where the last snapshot is of an untrained network.
    """
    if epochs[-1] == 0:
        return float("nan")
    is_below = values < below
    first = int(np.argmax(is_below))
    if not is_below[first]:
        return 1.0
    if first == 0:
        return float(epochs[0] / epochs[-1])
    before, after = values[first - 1 : first + 1]
    gone = (before - below) / (before - after)
    return float((epochs[first - 1] + gone * (epochs[first] - epochs[first - 1])) / epochs[-1])


def share_until(epochs: np.ndarray, values: np.ndarray, reach: float, above: float = 0.0) -> float:
    """Return the share of a training after which a measure has gone so much of its way to its last value.

    Between two snapshots the measure is taken to go in a line. What falls in training, as an error does, has its way
    downwards.

    Args:
        epochs: of the snapshots, N, increasing; the last one counts as the whole training.
        values: of the measure at each, N.
        reach: how much of the way from `above` to the last value, in (0, 1].
        above: where the way begins, such as the accuracy of chance.

    Returns:
        In [0, 1]: that of the first snapshot where its value is there already. NaN where the last value is
        `above`, or the last snapshot is of an untrained network.
    """
    way = (values[-1] - above) * reach
    if way == 0 or epochs[-1] == 0:
        return float("nan")
    # Falling measures are turned over, so that the level is reached from below.
    heights, level = (values - above) * np.sign(way), abs(way)
    first = int(np.argmax(heights >= level))
    if not heights[first] >= level:
        # Rounding alone keeps the last value from its own level.
        return 1.0
    if first == 0:
        return float(epochs[0] / epochs[-1])
    before, after = heights[first - 1 : first + 1]
    gone = (level - before) / (after - before)
    return float((epochs[first - 1] + gone * (epochs[first] - epochs[first - 1])) / epochs[-1])


def order_agreement(first: np.ndarray) -> float:
    """Return Kendall's tau between an order and when each of its members was learned.

    Kendall, A New Measure of Rank Correlation, Biometrika 30, 1938: over all pairs the share in which the later member
    was learned later, less the share in which it was learned sooner. Two that were learned at once, or never, count as
    neither (tau-a).

    Args:
        first: when each was learned, N of at least two in the order that is asked about; infinite where it never was.

    Returns:
        In [-1, 1]: 1 where each was learned after the one before it.
    """
    earlier, later = np.triu_indices(len(first), k=1)
    return float(np.mean((first[later] > first[earlier]).astype(float) - (first[later] < first[earlier])))
