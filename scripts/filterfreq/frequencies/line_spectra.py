"""Power of functions along a line, by frequency. Imports no torch."""

import itertools

import numpy as np


def line_power(values: np.ndarray) -> np.ndarray:
    """Return the power of functions that are sampled at even distances, at each frequency above 0.

    Hann's window, `w_j = (1 - cos(2 pi j / P)) / 2`, keeps apart what the two ends of a line would mix, as they do not
    join. The mean is taken away first, weighted with the window, so that a constant leaves nothing. Power is one-sided
    and normalised so that all of it together is the variance along the line, weighted with the window's squares
    (Parseval): of a cosine of amplitude 1 with whole periods 1/2, on its own frequency and the two beside it.

    Args:
        values: float, ... x P, P at least 2.

    Returns:
        float64, ... x P // 2: at index k - 1 that of k cycles in P samples. What has more cycles than P / 2 is found at
        lower frequencies.
    """
    points = values.shape[-1]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(points) / points)
    mean = (values * window).sum(axis=-1, keepdims=True) / window.sum()
    transform = np.fft.rfft((values - mean) * window, axis=-1)[..., 1:]
    power = 2 * np.abs(transform) ** 2 / (points * np.square(window).sum())
    if points % 2 == 0:
        # This frequency is its own mirror.
        power[..., -1] /= 2
    return power


def logarithmic_bands(count: int, most: int) -> list[slice]:
    """Return slices that cut so many values into bands, each about as many times as wide as the one before.

    Args:
        count: values, at least 1; their numbers are taken to begin with 1.
        most: bands; where there are no more values each is a band.
    """
    if count <= most:
        starts = np.arange(count + 1)
    else:
        starts = np.unique(np.rint(np.geomspace(1, count + 1, most + 1)).astype(int)) - 1
    return [slice(int(start), int(stop)) for start, stop in itertools.pairwise(starts)]
