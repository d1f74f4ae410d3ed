"""Common corruptions of test images, made once per data set, and the corruption error. Imports no torch.

The 15 common and 4 extra corruptions at 5 severities are those of Hendrycks and Dietterich, Benchmarking Neural Network
Robustness to Common Corruptions and Perturbations, ICLR 2019, as `corruption_functions` computes them. Their severities
are those of CIFAR-10-C, Tiny-ImageNet-C or ImageNet-C, whichever was made of images of the nearest size.
"""

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from filterfreq.data.arrays import open_array
from filterfreq.data.image_files import ImageFiles
from filterfreq.runtime.errors import InputError, unknown
from filterfreq.runtime.files import read_json, reading, replacing, sha256, write_json
from filterfreq.runtime.machine import end_with_parent
from filterfreq.runtime.schemas import read_record

COMMON: Mapping[str, str] = {
    "gaussian_noise": "noise",
    "shot_noise": "noise",
    "impulse_noise": "noise",
    "defocus_blur": "blur",
    "glass_blur": "blur",
    "motion_blur": "blur",
    "zoom_blur": "blur",
    "snow": "weather",
    "frost": "weather",
    "fog": "weather",
    "brightness": "weather",
    "contrast": "digital",
    "elastic_transform": "digital",
    "pixelate": "digital",
    "jpeg_compression": "digital",
}
"""The 15 corruptions that means and mCE are taken over, in the field's order, with their families."""
EXTRA: Mapping[str, str] = {
    "speckle_noise": "noise",
    "gaussian_blur": "blur",
    "spatter": "weather",
    "saturate": "digital",
}
"""The 4 extra corruptions, meant for validation, with their families."""
CORRUPTIONS: Mapping[str, str] = {**COMMON, **EXTRA}
SEVERITIES: tuple[int, ...] = (1, 2, 3, 4, 5)
CHECKSUMS_FILE = "checksums.json"
PUBLISHED_FILE = "published.json"
FILES_FOLDER = "files"

_REMEDY = "delete its folder and run again"
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
        corruption: a name in `CORRUPTIONS`.
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


def load_corrupted(path: str | Path, threads: int = 1) -> np.ndarray | ImageFiles:
    """Return corrupted images: uint8, 5n x H x W x 3, severity 1 first, as a read-only memory map.

    Args:
        path: `<corruption>.npy`, which `generate` writes; where `published_corruptions` has left large images in files,
            these are found by `<corruption>.json` beside it.
        threads: how many image files to decode at once.

    Raises:
        InputError: the file or the checksums beside it are missing or damaged, or it holds something else.
    """
    path = Path(path)
    index = path.with_suffix(".json")
    if index.is_file():
        _check_sum(index)
        record = read_record(index, "corrupted", _REMEDY)
        return ImageFiles(path.parent / FILES_FOLDER, record["names"], record["size"], threads=threads)
    images = open_array(path, _REMEDY)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise InputError(
            f"{path} holds {images.dtype} {list(images.shape)} where uint8 of 5n x H x W x 3 is needed: {_REMEDY}"
        )
    _check_sum(path)
    return images


def published_among(folder: str | Path) -> list[str]:
    """Return the corruptions in a folder whose images are the published ones.

    Raises:
        InputError: the file that says so is damaged.
    """
    path = Path(folder, PUBLISHED_FILE)
    return read_record(path, "published", _REMEDY)["corruptions"] if path.is_file() else []


def _check_sum(path: Path) -> None:
    recorded = read_json(path.with_name(CHECKSUMS_FILE), _REMEDY).get(path.stem)
    with reading(path, _REMEDY):
        found = sha256(path)
    if found != recorded:
        raise InputError(f"{path} does not have its recorded SHA-256: {_REMEDY}")


def corruption_errors(accuracy: pd.DataFrame, baseline: pd.DataFrame) -> pd.Series:
    """Return the corruption error of each corruption, relative to a baseline model.

    CE_c = sum_s E_{s,c} / sum_s E_{s,c}(baseline), where E is the error rate at severity s (Hendrycks and Dietterich,
    ICLR 2019, who give it in percent, relative to AlexNet). 1 is as good as the baseline.

    Args:
        accuracy: fractions, one row per corruption, one column per severity.
        baseline: the same of the baseline, at least these corruptions and severities.

    Returns:
        The errors by corruption, not negative; inf where only the baseline makes none, NaN where neither does.

    Raises:
        InputError: the baseline lacks a corruption or a severity.
    """
    baseline = _alike(accuracy, baseline)
    return (1 - accuracy).sum(axis="columns", skipna=False) / (1 - baseline).sum(axis="columns", skipna=False)


def relative_corruption_errors(
    accuracy: pd.DataFrame, clean: float, baseline: pd.DataFrame, baseline_clean: float
) -> pd.Series:
    """Return how much each corruption adds to the clean error, relative to a baseline model.

    Relative CE_c = sum_s (E_{s,c} - E_clean) / sum_s (E_{s,c}(baseline) - E_clean(baseline)) (Hendrycks and Dietterich,
    ICLR 2019). 1 is a loss as large as the baseline's, 0 none at all.

    Args:
        accuracy: fractions, one row per corruption, one column per severity.
        clean: the accuracy on the images before corruption, in [0, 1].
        baseline: the same of the baseline, at least these corruptions and severities.
        baseline_clean: the accuracy of the baseline before corruption.

    Returns:
        The errors by corruption, negative where the model gains by it; NaN where the baseline loses nothing that the
        model's loss could be compared with.

    Raises:
        InputError: the baseline lacks a corruption or a severity.
    """
    baseline = _alike(accuracy, baseline)
    lost = (clean - accuracy).sum(axis="columns", skipna=False)
    lost_by_baseline = (baseline_clean - baseline).sum(axis="columns", skipna=False)
    return lost / lost_by_baseline.where(lost_by_baseline > 0)


def mean_corruption_error(accuracy: pd.DataFrame, baseline: pd.DataFrame) -> float:
    """Return mCE: the mean of `corruption_errors` over the 15 common corruptions.

    Args:
        accuracy: fractions, one row per corruption, one column per severity; further corruptions are left out.
        baseline: the same of the baseline.

    Returns:
        The mean, not negative; 1 is as good as the baseline.

    Raises:
        InputError: a common corruption is missing, or the baseline lacks a severity.
    """
    return float(corruption_errors(_common(accuracy), baseline).mean(skipna=False))


def relative_mean_corruption_error(
    accuracy: pd.DataFrame, clean: float, baseline: pd.DataFrame, baseline_clean: float
) -> float:
    """Return relative mCE: the mean of `relative_corruption_errors` over the 15 common corruptions.

    Args:
        accuracy: fractions, one row per corruption, one column per severity; further corruptions are left out.
        clean: the accuracy on the images before corruption.
        baseline: the accuracies of the baseline under corruption.
        baseline_clean: and its accuracy before corruption.

    Returns:
        The mean; 1 is a loss as large as the baseline's; NaN where it loses nothing under one of them.

    Raises:
        InputError: a common corruption is missing, or the baseline lacks a severity.
    """
    errors = relative_corruption_errors(_common(accuracy), clean, baseline, baseline_clean)
    return float(errors.mean(skipna=False))


def _alike(accuracy: pd.DataFrame, baseline: pd.DataFrame) -> pd.DataFrame:
    """Return the baseline's accuracies under the same corruptions at the same severities."""
    for axis, kind in ((0, "corruption"), (1, "severity")):
        missing = accuracy.axes[axis].difference(baseline.axes[axis])
        if len(missing):
            raise InputError(
                f"the baseline of the corruption error has no accuracy for {kind} "
                f"{', '.join(map(str, missing))}: evaluate it on the same corruptions"
            )
    return baseline.loc[accuracy.index, accuracy.columns]


def _common(accuracy: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies under the 15 common corruptions."""
    missing = [corruption for corruption in COMMON if corruption not in accuracy.index]
    if missing:
        raise InputError(
            f"the mean corruption error needs all {len(COMMON)} common corruptions, but there is no accuracy for "
            f"{', '.join(missing)}: evaluate these too"
        )
    return accuracy.loc[list(COMMON)]


def _check(images: np.ndarray, corruptions: Iterable[str]) -> None:
    for corruption in corruptions:
        if corruption not in CORRUPTIONS:
            raise unknown("corruption", corruption, CORRUPTIONS)
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
    from filterfreq.evaluation.corruption_functions import FUNCTIONS
    from filterfreq.evaluation.corruption_severities import severities_for

    severity, number, images = block
    rng = np.random.default_rng((seed, list(CORRUPTIONS).index(corruption), severity, number))
    parameters = severities_for(min(images.shape[1:3]))[corruption][severity - 1]
    return FUNCTIONS[corruption](images, rng, *parameters)
