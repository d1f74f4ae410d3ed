"""Time of corrupting images: blocks of them, as the workflow does, against one by one with the package.

python benchmarks/corruptions.py
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from skimage import data

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("scripts", "tests"))

from oracles.corruptions import corrupt_image

from filterfreq.evaluation.corruption_functions import FUNCTIONS, IMAGENET_C
from filterfreq.evaluation.corruptions import COMMON

_BLOCK = 32  # as many images of 32 x 32 as the workflow corrupts at once
_ONE_BY_ONE = 4
_REPETITIONS = 7


def measure() -> pd.DataFrame:
    """Time the 15 common corruptions on parts of photographs, 32 x 32, the two ways in turn.

    Both are warmed up first, so that neither compiling nor reading files is counted.

    Returns:
        One row per corruption and one for all 15, their sum: `what`, the median milliseconds per image, as the mean
        over the five severities, of `ours` and of the `baseline`, their `ratio` (how many times faster ours is), and
        the `unit`.
    """
    images = _photographs()
    rows = [("all 15", 0.0, 0.0)]
    for name in COMMON:
        ours, baseline = zip(*(_compare(name, severity, images) for severity in range(1, 6)), strict=True)
        rows.append((name, statistics.mean(ours), statistics.mean(baseline)))
    rows[0] = ("all 15", sum(row[1] for row in rows), sum(row[2] for row in rows))
    table = pd.DataFrame(rows, columns=["what", "ours", "baseline"])
    return table.assign(ratio=table["baseline"] / table["ours"], unit="ms per image and severity")


def _compare(name: str, severity: int, images: np.ndarray) -> tuple[float, float]:
    """Return the median milliseconds per image, ours first."""

    def ours() -> None:
        FUNCTIONS[name](images, np.random.default_rng(0), *IMAGENET_C[name][severity - 1])

    def baseline() -> None:
        for seed, image in enumerate(images[:_ONE_BY_ONE]):
            corrupt_image(image, name, severity, seed)

    ours(), baseline()
    times = [(_seconds(ours) / len(images), _seconds(baseline) / _ONE_BY_ONE) for _ in range(_REPETITIONS)]
    return tuple(1000 * statistics.median(way) for way in zip(*times, strict=True))


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _photographs() -> np.ndarray:
    """Parts of photographs at random places: uint8, `_BLOCK` x 32 x 32 x 3."""
    rng = np.random.default_rng(0)
    photographs = (data.astronaut(), data.coffee(), data.chelsea())
    images = []
    for number in range(_BLOCK):
        photograph = photographs[number % len(photographs)]
        top, left = (rng.integers(side - 32) for side in photograph.shape[:2])
        images.append(photograph[top : top + 32, left : left + 32])
    return np.stack(images)


def main() -> None:
    """Print the table."""
    print(measure().round({"ours": 3, "baseline": 3, "ratio": 1}).to_string(index=False))


if __name__ == "__main__":
    main()
