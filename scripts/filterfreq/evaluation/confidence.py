"""Whether a classifier's confidence is its accuracy. Imports no torch."""

import numpy as np

BINS = 15
"""Bins of confidence, as many as in Guo et al. 2017."""


def expected_calibration_error(confidences: np.ndarray, correct: np.ndarray, bins: int = BINS) -> float:
    """Return the expected calibration error (ECE) over bins of equal width.

    ECE = sum_m |B_m| / n * |acc(B_m) - conf(B_m)|, where bin m of M holds the images with a confidence in
    ((m - 1) / M, m / M], acc is the share of correct ones among them and conf their mean confidence (Guo, Pleiss, Sun,
    Weinberger, On Calibration of Modern Neural Networks, ICML 2017, equation 3, with M = 15).

    Args:
        confidences: float, N, in [0, 1]: the softmax probability of each predicted class.
        correct: bool, N: whether the prediction is the true class.
        bins: M, at least 1.

    Returns:
        The error in [0, 1]; NaN of no images.
    """
    if not len(confidences):
        return float("nan")
    edges = np.linspace(0, 1, bins + 1)
    # A confidence of exactly 0 would fall before the first bin, and one that rounding has put above 1 after the last.
    bins_of_images = np.clip(np.searchsorted(edges, confidences, side="left") - 1, 0, bins - 1)
    # |B_m| (acc - conf) is a difference of sums.
    gaps = np.bincount(bins_of_images, weights=correct.astype(np.float64) - confidences, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidences))
