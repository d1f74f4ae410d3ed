"""How strong noise of each frequency is: the standard deviations of its basis vectors, as a file."""

from pathlib import Path

import numpy as np

from filterfreq.data.arrays import open_array
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import replacing_with_checksum, verify_checksum

_REMEDY = "delete it and run again"


def save_deviations(path: str | Path, deviations: np.ndarray) -> None:
    """Write the standard deviation of each basis vector's coefficient, whole or not at all, and its checksum.

    Args:
        path: an .npy file.
        deviations: float64, C x H x W, as `load_deviations` returns them.

    Raises:
        InputError: the disk is full.
    """
    with replacing_with_checksum(path) as temporary, open(temporary, "wb") as file:
        np.save(file, deviations)


def load_deviations(path: str | Path) -> np.ndarray:
    """Read what `save_deviations` wrote.

    Returns:
        float64, C x H x W, in units of images in [0, 1], in the layout of `numpy.fft.fft2`, at least 0; 0 at the second
        frequency of each pair.

    Raises:
        InputError: the file is missing, damaged, or was changed since it was written, or it holds something else.
    """
    deviations = open_array(path, _REMEDY)
    is_of_images = deviations.dtype == np.float64 and deviations.ndim == 3
    if not is_of_images or not ((deviations >= 0) & np.isfinite(deviations)).all():
        raise InputError(f"{path} holds no standard deviations of noise, float64 of C x H x W: {_REMEDY}")
    verify_checksum(path)
    return np.array(deviations)
