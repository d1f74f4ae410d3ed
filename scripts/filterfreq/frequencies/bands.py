"""Square bands of an image's frequencies. Imports no torch."""

import numpy as np

from filterfreq.runtime.errors import InputError, unknown_name

BANDS: tuple[str, ...] = ("low", "corner", "complement")
"""What `band_frequencies` keeps, by a square of frequencies."""


def band_frequencies(height: int, width: int, kind: str, bandwidth: int) -> np.ndarray:
    """Return which frequencies of an image pass a square filter of some bandwidth.

    Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier Perspective on Model Robustness in Computer Vision, NeurIPS
    2019, section 3.

    Args:
        height: pixels.
        width: pixels.
        kind: "low" keeps |u|, |v| <= (B - 1) / 2; "corner", their high-pass, the same square round the highest
            frequency (H / 2, W / 2), what is high in both directions; "complement" all that "low" leaves out.
        bandwidth: B, odd, above 0.

    Returns:
        bool, H x W, in the layout of `numpy.fft.fft2`.

    Raises:
        InputError: an unknown kind, or a bandwidth that is even or not above 0.
    """
    if kind not in BANDS:
        raise unknown_name("band", kind, BANDS)
    if bandwidth < 1 or bandwidth % 2 == 0:
        raise InputError(f"the bandwidth {bandwidth} is not odd and above 0: give 1, 3, 5, ...")
    inside = []
    for side in (height, width):
        frequencies = np.abs((np.fft.fftfreq(side) * side).round())
        distance = side / 2 - frequencies if kind == "corner" else frequencies
        inside.append(distance <= (bandwidth - 1) / 2)
    rows, columns = inside
    square = rows[:, None] & columns
    return ~square if kind == "complement" else square


def largest_bandwidth(kind: str, side: int) -> int:
    """Return the largest bandwidth that means something on images of this side, in pixels.

    A larger one would keep all frequencies too or, of a complement, leave none.
    """
    # An even side has one frequency more than the largest odd square below it.
    return side - side % 2 - 1 if kind == "complement" else side + 1 - side % 2
