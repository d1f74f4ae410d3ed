"""Corrupt test images, once per data set. Imports no torch.

Each corruption is a function of `filterfreq.evaluation.corruptions.functions`. The severities are those of CIFAR-10-C,
Tiny-ImageNet-C or ImageNet-C, whichever was made of images of the nearest size.
"""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from filterfreq.evaluation.corruptions import CORRUPTIONS, SEVERITIES
from filterfreq.evaluation.corruptions.stored import CHECKSUMS_FILE
from filterfreq.runtime.errors import InputError, unknown_name
from filterfreq.runtime.files import replacing, sha256, write_json
from filterfreq.runtime.machine import end_with_parent

_SMALLEST_SIDE = 32
# Pixels that are corrupted at once and share a generator: 32 images of 32 x 32, few enough to stay in a core's cache.
# With another number all random corruptions come out differently.
_BLOCK_PIXELS = 2**15


def corrupt_images(images: np.ndarray, corruption: str, seed: int, processes: int = 1) -> np.ndarray:
    """Corrupt images at every severity.

    An image's random numbers depend on seed, corruption, severity, its index, and the images' height and width alone,
    so that neither the number of images nor that of processes changes any of them. numpy's global generator is not
    used.

    Args:
        images: uint8, n x H x W x 3, at least 32 pixels high and wide.
        corruption: a name in `filterfreq.evaluation.corruptions.CORRUPTIONS`.
        seed: not negative.
        processes: how many work side by side.

    Returns:
        uint8, 5n x H x W x 3: all images at severity 1, then at severity 2, and so on (CIFAR-10-C's layout).

    Raises:
        InputError: an unknown corruption, or images that are no uint8 RGB or too small.
    """
    _check(images, [corruption])
    with _side_by_side(processes) as run:
        return np.concatenate(list(_corrupted_blocks(images, corruption, seed, run)))


def generate(
    images: np.ndarray,
    folder: str | Path,
    seed: int,
    corruptions: Iterable[str] = tuple(CORRUPTIONS),
    processes: int = 1,
    announce: Callable[[str], None] = print,
) -> None:
    """Write `<folder>/<corruption>.npy` for each corruption, as `corrupt_images` makes it, and their checksums.

    Images are read and written a few at a time, so that neither they, as a memory map, nor what becomes of them need
    fit into memory.

    Args:
        images: uint8, n x H x W x 3, at least 32 pixels high and wide.
        folder: where the files go.
        seed: not negative.
        corruptions: names in `CORRUPTIONS`.
        processes: how many work side by side.
        announce: takes one line for each corruption.

    Raises:
        InputError: an unknown corruption, images that are no uint8 RGB or too small, or a full disk.
    """
    folder, corruptions = Path(folder), list(corruptions)
    _check(images, corruptions)
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(SEVERITIES) * len(images), *images.shape[1:])}
    with _side_by_side(processes) as run:
        for number, corruption in enumerate(corruptions, start=1):
            start = time.perf_counter()
            # Not through a memory map: on a full disk, writing to one would kill the process.
            with replacing(folder / f"{corruption}.npy") as temporary, open(temporary, "wb") as file:
                np.lib.format.write_array_header_1_0(file, header)
                for block in _corrupted_blocks(images, corruption, seed, run):
                    file.write(block.tobytes())
            seconds = time.perf_counter() - start
            announce(f"corruption {number:2d}/{len(corruptions)}  {corruption:<17}  {seconds:6.1f} s")
    checksums = {corruption: sha256(folder / f"{corruption}.npy") for corruption in corruptions}
    write_json(folder / CHECKSUMS_FILE, checksums)


def _check(images: np.ndarray, corruptions: Iterable[str]) -> None:
    for corruption in corruptions:
        if corruption not in CORRUPTIONS:
            raise unknown_name("corruption", corruption, CORRUPTIONS)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or len(images) == 0:
        raise InputError(
            f"images to corrupt are {images.dtype} {list(images.shape)}: give uint8 of n x H x W x 3, one or more"
        )
    if min(images.shape[1:3]) < _SMALLEST_SIDE:
        raise InputError(
            f"images to corrupt are {images.shape[1]} x {images.shape[2]} pixels: "
            f"the corruptions are defined from {_SMALLEST_SIDE} x {_SMALLEST_SIDE} up"
        )


@contextmanager
def _side_by_side(processes: int) -> Iterator[Callable[..., Iterable[np.ndarray]]]:
    """Yield a function like `map` that works in this many processes, each of one thread."""
    # Imported before the fork, or every process would import them on its own.
    import cv2
    import PIL.Image  # noqa: F401
    import scipy.ndimage  # noqa: F401

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        if processes == 1:
            yield map
        else:
            # Forked, because a script that Snakemake runs cannot be imported, which other ways to start a process do.
            context = multiprocessing.get_context("fork")
            pool = ProcessPoolExecutor(processes, context, initializer=end_with_parent, initargs=(signal.SIGKILL,))
            try:
                yield pool.map
            finally:
                pool.shutdown(cancel_futures=True)
    finally:
        cv2.setNumThreads(threads)


def _corrupted_blocks(
    images: np.ndarray, corruption: str, seed: int, run: Callable[..., Iterable[np.ndarray]]
) -> Iterable[np.ndarray]:
    """Return the corrupted images of each block in turn, all of severity 1 first; `run` is a kind of `map`."""
    length = max(1, _BLOCK_PIXELS // (images.shape[1] * images.shape[2]))
    blocks = (
        (severity, number, np.ascontiguousarray(images[start : start + length]))
        for severity in SEVERITIES
        for number, start in enumerate(range(0, len(images), length))
    )
    return run(partial(_corrupt_block, corruption, seed), blocks)


def _corrupt_block(corruption: str, seed: int, block: tuple[int, int, np.ndarray]) -> np.ndarray:
    """Corrupt a block of images; `block` is the severity, the block's number, and the images."""
    from filterfreq.evaluation.corruptions.functions import FUNCTIONS
    from filterfreq.evaluation.corruptions.severities import severities_for

    severity, number, images = block
    rng = np.random.default_rng((seed, list(CORRUPTIONS).index(corruption), severity, number))
    parameters = severities_for(min(images.shape[1:3]))[corruption][severity - 1]
    return FUNCTIONS[corruption](images, rng, *parameters)
