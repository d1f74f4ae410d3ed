"""The eigenvectors of a Gaussian kernel on a line: the further behind, the higher their frequency.

Rahaman et al., On the Spectral Bias of Neural Networks, ICML 2019 (arXiv 1806.08734), Figures 6 and 12, which say why
eigenvectors of a kernel may stand for frequencies where points do not lie on a line.
"""

from typing import Any

import numpy as np

from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.fits.gaussian_kernel import eigenvectors, gaussian_kernel
from filterfreq.fits.job import FitJob


def sign_changes(values: np.ndarray) -> int:
    """Return how often neighbours have different signs; zeros are passed over."""
    signs = np.sign(values[values != 0])
    return int((signs[1:] != signs[:-1]).sum())


def find_kernel_eigenvectors(job: FitJob) -> list[dict[str, Any]]:
    """Compute the eigenvectors of the kernel on even points of [0, 1], both ends among them.

    Args:
        job: nothing in it is drawn.

    Returns:
        Of each eigenvector, 0 being that of the largest eigenvalue: its eigenvalue as a share of that, never below 0;
        its sign changes; its components; and the modulus of its discrete Fourier transform at each frequency up to
        half of the points, in cycles of their number.
    """
    points, width = job.settings["points"], job.settings["kernel_width"]
    values, vectors = eigenvectors(gaussian_kernel(np.linspace(0, 1, points)[:, np.newaxis], width))
    shares = np.maximum(values, 0) / values[0]
    rows = []
    for number, (share, vector) in enumerate(zip(shares, vectors.T, strict=True)):
        key = {"eigenvector": number}
        rows += [
            quantity("eigenvalue_share", format_parameter(**key), share, points),
            quantity("sign_changes", format_parameter(**key), sign_changes(vector), points),
        ]
        for point, value in enumerate(vector):
            rows.append(quantity("component", format_parameter(**key, point=point), value, points))
        for frequency, size in enumerate(np.abs(np.fft.rfft(vector))):
            rows.append(quantity("transform", format_parameter(**key, frequency=frequency), size, points))
    return rows
