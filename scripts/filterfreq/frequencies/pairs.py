"""The frequencies of an image's spectrum, in mirrored pairs. Imports no torch.

Frequencies are signed, in cycles per image: u vertical in -(H // 2) ... (H - 1) // 2, v horizontal likewise. The mirror
of (u, v) is (-u, -v), modulo H and W; on an even side the frequency -H / 2 is its own mirror.
"""

import math

import numpy as np

from filterfreq.runtime.errors import InputError


def distinct_frequencies(height: int, width: int, highest: int | None = None) -> list[tuple[int, int]]:
    """Return one frequency of each mirrored pair, and those that are their own mirror.

    Args:
        height: pixels.
        width: pixels.
        highest: keep |u| and |v| up to this alone, a square round the frequency 0; all unless given.

    Returns:
        (u, v) in the order of the rows of a shifted spectrum, in which the frequency 0 is at (H // 2, W // 2); the
        first of each pair. Of 32 x 32 pixels 514 of 1,024, of 31 x 31 pixels 481 of 961.

    Raises:
        InputError: `highest` is below 0 or beyond the frequencies of the image.
    """
    limit = min(height, width) // 2
    if highest is not None and not 0 <= highest <= limit:
        raise InputError(f"the highest frequency {highest} is not in an image of {height} x {width}: give 0 to {limit}")
    found: dict[tuple[int, int], None] = {}
    for u in range(-(height // 2), (height + 1) // 2):
        for v in range(-(width // 2), (width + 1) // 2):
            if (highest is None or max(abs(u), abs(v)) <= highest) and mirror(height, width, u, v) not in found:
                found[u, v] = None
    return list(found)


def mirror(height: int, width: int, u: int, v: int) -> tuple[int, int]:
    """Return the frequency whose coefficient is the complex conjugate in every real image."""
    return (-u + height // 2) % height - height // 2, (-v + width // 2) % width - width // 2


def pair_energies(power: np.ndarray) -> np.ndarray:
    """Return the energy of real images at each distinct frequency, that of its mirror with it.

    Args:
        power: float, ... x H x W: the mean of |F|^2 over images, F their discrete Fourier transform in the layout of
            `numpy.fft.fft2`.

    Returns:
        float64, in the same shape and layout: (|F|^2 at the frequency plus that at its mirror) / (H W), counted once
        where they are the same, and 0 at the second of each pair. Their sum is that of the squared pixels (Parseval).
    """
    height, width = power.shape[-2:]
    energies = np.zeros(power.shape)
    for u, v in distinct_frequencies(height, width):
        found = {(u, v), mirror(height, width, u, v)}
        # A negative frequency is the same index from the end.
        energies[..., u, v] = sum(power[..., row, column] for row, column in found) / (height * width)
    return energies


def basis_vector(height: int, width: int, u: int, v: int) -> np.ndarray:
    """Return the real image of unit L2 norm that has no frequency but (u, v) and its mirror.

    U[x, y] = sqrt(2 / (H W)) cos(2 pi (u x / H + v y / W) + pi / 4), and cos(...) / sqrt(H W) without the phase where
    (u, v) is its own mirror. That is the inverse transform of (1 + i) / 2 at (u, v), of the conjugate at the mirror,
    and of 1 at its own mirror, times sqrt(H W), as the code of Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier
    Perspective on Model Robustness in Computer Vision, NeurIPS 2019, has it.

    Args:
        height: pixels.
        width: pixels.
        u: vertical frequency.
        v: horizontal frequency; of a pair the one that `distinct_frequencies` has.

    Returns:
        float64, H x W.
    """
    own_mirror = mirror(height, width, u, v) == (u, v)
    rows, columns = np.arange(height)[:, None], np.arange(width)[None]
    # Whole numbers as long as can be: the argument stays exact for large images.
    turns = ((u * rows) % height) / height + ((v * columns) % width) / width
    amplitude, phase = (1.0, 0.0) if own_mirror else (math.sqrt(2), math.pi / 4)
    return amplitude / math.sqrt(height * width) * np.cos(2 * math.pi * turns + phase)
