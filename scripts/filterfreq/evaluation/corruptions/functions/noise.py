"""Noise: gaussian_noise, shot_noise, impulse_noise and speckle_noise."""

from functools import cache

import numpy as np

from filterfreq.evaluation.corruptions.functions.pixels import cut_levels


def gaussian_noise(images: np.ndarray, rng: np.random.Generator, std: float) -> np.ndarray:
    """Add normal noise of standard deviation `std`, in units of [0, 1], to every value."""
    noisy = rng.standard_normal(images.shape, dtype=np.float32)
    noisy *= 255 * std
    noisy += images
    return cut_levels(noisy)


def shot_noise(images: np.ndarray, rng: np.random.Generator, photons: int) -> np.ndarray:
    """Draw every value from a Poisson distribution; white has a mean of `photons`, and more than these are white too.

    Walker's alias method (ACM Transactions on Mathematical Software 3, 1977) for each of the 256 grey levels: a random
    number's leading bits choose a bin, the others one of the bin's two outcomes.
    """
    thresholds, outcomes = _poisson_bins(photons)
    bins = thresholds.shape[1]
    draws = rng.integers(0, 2**32, images.shape, dtype=np.uint32)
    rest_bits = 33 - bins.bit_length()
    bins_of_values = images.astype(np.intp)
    bins_of_values *= bins
    bins_of_values += draws >> rest_bits
    draws &= 2**rest_bits - 1
    is_second = draws >= thresholds.take(bins_of_values)
    bins_of_values *= 2
    bins_of_values += is_second
    return outcomes.take(bins_of_values)


def impulse_noise(images: np.ndarray, rng: np.random.Generator, amount: float) -> np.ndarray:
    """Set a share `amount` of all values to 0 or to 255, with equal probability."""
    draws = rng.random(images.shape, dtype=np.float32)
    noisy = images.copy()
    noisy[draws < amount] = 0
    noisy[draws < amount / 2] = 255
    return noisy


def speckle_noise(images: np.ndarray, rng: np.random.Generator, std: float) -> np.ndarray:
    """Add normal noise to every value, of `std` times that value."""
    noisy = rng.standard_normal(images.shape, dtype=np.float32)
    noisy *= std
    noisy += 1
    noisy *= images
    return cut_levels(noisy)


@cache
def _poisson_bins(photons: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the thresholds and outcomes of the alias method, 256 x bins and 256 x bins x 2.

    A number below the threshold of its bin means the first outcome, else the second. Thresholds have the bits of a
    uint32 that are not needed to choose a bin; outcomes are grey levels.
    """
    bins = 2 ** int(photons).bit_length()
    levels = np.arange(256)
    means = levels / 255 * photons
    # The probabilities of 0, 1, ..., photons - 1, each from the one before, and of all above.
    ratios = [np.exp(-means), *(means / counted for counted in range(1, photons))]
    shares = np.zeros((256, bins))
    shares[:, :photons] = np.cumprod(ratios, axis=0).T
    shares[:, photons] = 1 - shares.sum(axis=1)
    shares *= bins
    second = np.tile(np.arange(bins), (256, 1))
    is_open = np.ones((256, bins), dtype=bool)
    for _ in range(bins - 1):
        smallest = np.where(is_open, shares, np.inf).argmin(axis=1)
        largest = np.where(is_open, shares, -np.inf).argmax(axis=1)
        second[levels, smallest] = largest
        shares[levels, largest] -= 1 - shares[levels, smallest]
        is_open[levels, smallest] = False
    grey = (np.minimum(np.arange(bins) / photons, 1) * 255).astype(np.uint8)
    outcomes = np.stack([np.broadcast_to(grey, second.shape), grey[second]], axis=2)
    return (np.clip(shares, 0, 1) * 2**32 / bins).astype(np.uint32), outcomes
