"""How well the frequencies of a function on even points are learned. Imports no torch.

Xu, Zhang, Luo, Xiao, Ma, Frequency Principle: Fourier Analysis Sheds Light on Deep Neural Networks, arXiv 1901.06523.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from filterfreq.evaluation.results import format_parameter, quantity

_NOTHING = 1e-9  # of the largest magnitude of a target, below which a frequency is not in it


def spectrum(values: np.ndarray) -> np.ndarray:
    """Return the discrete Fourier transform of a function on N even points over N, at the bins 0, 1, ..., N // 2.

    Bin k is k cycles over N steps of the grid. A wave of another frequency leaks into all bins.

    Args:
        values: float, N.

    Returns:
        complex128, N // 2 + 1.
    """
    return np.fft.rfft(values) / len(values)


def relative_errors(learned: np.ndarray, target: np.ndarray, difference: str = "complex") -> np.ndarray:
    """Return `D_F = |h - y| / |y|` of what is learned and its target, at each frequency.

    Args:
        learned: h, complex, K.
        target: y, likewise, nowhere 0.
        difference: "complex" as in the paper; "magnitude" as in its authors' script, `||h| - |y|| / |y|`, which does
            not see a wave that is learned with a wrong phase.

    Returns:
        float64, K, not negative.
    """
    if difference == "magnitude":
        learned, target = np.abs(learned), np.abs(target)
    return np.abs(learned - target) / np.abs(target)


def spectrum_rows(target: np.ndarray, bins: int) -> list[dict[str, Any]]:
    """Return a row of the magnitude of a target's spectrum for each of the first bins.

    Args:
        target: float, N.
        bins: how many, from bin 0 on; all, where there are fewer.
    """
    magnitudes = np.abs(spectrum(target))[:bins]
    return [
        quantity("target_magnitude", format_parameter(frequency=frequency), value, len(target))
        for frequency, value in enumerate(magnitudes)
    ]


def relative_error_rows(
    metric: str,
    learned: np.ndarray,
    target: np.ndarray,
    bins: Sequence[int],
    difference: str = "complex",
    **keys: object,
) -> list[dict[str, Any]]:
    """Return a row of the relative error for each of some bins that the target has something at.

    Args:
        metric: what the rows are called.
        learned: float, N.
        target: likewise.
        bins: whole numbers from 0 to N // 2.
        difference: as `relative_errors` takes it.
        keys: what their parameter begins with.
    """
    of_target = spectrum(target)
    there = [k for k in bins if abs(of_target[k]) > _NOTHING * np.abs(of_target).max()]
    errors = relative_errors(spectrum(learned)[there], of_target[there], difference)
    return [
        quantity(metric, format_parameter(**keys, frequency=frequency), error, len(target))
        for frequency, error in zip(there, errors, strict=True)
    ]
