"""Corrupting images in blocks, as the workflow does, against one by one with the package (row 6).

python benchmarks/corruptions.py
"""

import argparse
from functools import partial

import harness
import numpy as np
from oracles.corruptions import corrupt_image
from skimage import data

from filterfreq.evaluation.corruptions import COMMON, SEVERITIES
from filterfreq.evaluation.corruptions.functions import FUNCTIONS
from filterfreq.evaluation.corruptions.severities import IMAGENET_C

BLOCK = 32  # as many images of 32x32 as the workflow corrupts at once
ONE_BY_ONE = 4


def photographs() -> np.ndarray:
    """Parts of photographs at random places: uint8, `BLOCK` x 32 x 32 x 3."""
    rng = np.random.default_rng(0)
    whole = (data.astronaut(), data.coffee(), data.chelsea())
    images = []
    for number in range(BLOCK):
        photograph = whole[number % len(whole)]
        top, left = (rng.integers(side - 32) for side in photograph.shape[:2])
        images.append(photograph[top : top + 32, left : left + 32])
    return np.stack(images)


def one_by_one(images: np.ndarray, name: str, severity: int) -> None:
    """Corrupt the first few images with the package."""
    for seed, image in enumerate(images[:ONE_BY_ONE]):
        corrupt_image(image, name, severity, seed)


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    images, times = photographs(), {}
    for name in COMMON:
        pairs = [
            harness.alternate(
                partial(FUNCTIONS[name], images, np.random.default_rng(0), *IMAGENET_C[name][severity - 1]),
                partial(one_by_one, images, name, severity),
                repeats,
            )
            for severity in SEVERITIES
        ]
        ours, baseline = np.mean(pairs, axis=0)
        times[name] = 1e3 * ours / BLOCK, 1e3 * baseline / ONE_BY_ONE
    rows = [harness.row("all 15", *np.sum(list(times.values()), axis=0), "ms")]
    rows += [harness.row(name, *pair, "ms") for name, pair in times.items()]
    notes = "Milliseconds of one core for an image of 32x32 at one severity, mean over the five severities."
    harness.publish("corruptions", rows, notes)


if __name__ == "__main__":
    main()
