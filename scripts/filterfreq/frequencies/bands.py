"""Square bands of an image's frequencies, and the norm of changes in them. Imports no torch."""

import math

import numpy as np

from filterfreq.runtime.errors import InputError, unknown_name

BANDS: tuple[str, ...] = ("low", "corner", "complement")
"""What `band_frequencies` keeps, by a square of frequencies."""


def check_norm(norm: float) -> None:
    """Check the L2 norm of a change of images.

    Raises:
        InputError: it is not a number above 0.
    """
    if not 0 < norm < math.inf:
        raise InputError(f"the norm {norm:g} of a change is not a number above 0: give the L2 norm of a channel's")


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
        InputError: an unknown kind, a bandwidth that is even or not above 0, or one that leaves no frequency.
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
    band = ~square if kind == "complement" else square
    if not band.any():
        raise InputError(
            f"the bandwidth {bandwidth} of {kind} leaves no frequency of images of {height} x {width} pixels: give a "
            f"{'smaller' if kind == 'complement' else 'larger'} one"
        )
    return band


def smallest_bandwidth(kind: str, side: int) -> int:
    """Return the smallest bandwidth whose square has a frequency of images.

    Args:
        kind: see `band_frequencies`.
        side: height and width of the images, in pixels.
    """
    # The highest frequencies of an odd side are half a cycle below half of it, round which the corner's square is.
    return 3 if kind == "corner" and side % 2 else 1


def whole_bandwidth(kind: str, side: int) -> int:
    """Return the smallest bandwidth whose square has all frequencies of images, of which a complement leaves none.

    Args:
        kind: see `band_frequencies`.
        side: height and width of the images, in pixels.
    """
    # Of an odd side no frequency is as high as half of it, which is where the corner's square begins.
    return 2 * ((side + (kind == "corner")) // 2) + 1


def highest_radius(side: int) -> float:
    """Return the length of the highest frequency of square images, sqrt(2) floor(side / 2), in cycles per image."""
    return math.sqrt(2) * (side // 2)


def disc_has_all(side: int, radius: float, mask: str = "strict") -> bool:
    """Return whether a disc has all frequencies of square images.

    Args:
        side: height and width of the images, in pixels.
        radius: of the disc, in cycles per image.
        mask: "strict" for a disc without the circle that ends it, "non_strict" for one with it.
    """
    last = 2 * (side // 2) ** 2
    return radius**2 > last or (mask == "non_strict" and radius**2 >= last)
