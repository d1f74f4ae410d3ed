"""Kernels without their high frequencies, beside the smoothed kernels of Wang, Wu, Huang and Xing (CVPR 2020)."""

from torch import Tensor

from filterfreq.frequencies.dct import dct_matrix
from filterfreq.models.classifier import Classifier
from filterfreq.models.surgery.kernels import change_kernels


def low_pass_kernels(classifier: Classifier, below: int, layers: str) -> Classifier:
    """Keep the low frequencies of a trained model's kernels, without training it again.

    Every plane W of a kernel, n x n' values between one input and one output channel, becomes `P W P'`. Here `P = D^T
    M D` with the orthonormal DCT-II matrix D (`filterfreq.frequencies.dct.dct_matrix`) and the diagonal matrix M that
    has 1 at the frequencies k < below: of the plane's DCT coefficients (k, l), those with max(k, l) < below remain. The
    paper smooths with the eight neighbours instead (`filterfreq.models.surgery.smooth_kernels`); this is the same idea
    with a sharp limit.

    With `below: 1` the plane's mean remains. Where `below` is not less than the kernel's side the plane stays as it
    is, to rounding; so do kernels of 1 x 1, which have no other frequency than 0. Biases stay.

    Args:
        classifier: see `filterfreq.models.surgery.kernels.change_kernels`.
        below: the first frequency that is left out, at least 1.
        layers: "first" or "all", see there.

    Returns:
        The classifier.

    Raises:
        InputError: see there.
    """

    def keep_low(weight: Tensor) -> Tensor:
        height, width = weight.shape[2:]
        return _projection(height, below) @ weight @ _projection(width, below)

    return change_kernels(classifier, layers, keep_low, "low_pass_kernels", "frequency to leave out")


def _projection(n: int, below: int) -> Tensor:
    """The symmetric matrix [n, n] that leaves the frequencies below a limit of n values."""
    kept = dct_matrix(n)[:below]
    return kept.T @ kept
