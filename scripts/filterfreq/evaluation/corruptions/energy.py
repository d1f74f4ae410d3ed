"""The energy that a corruption adds to training images at each frequency. Imports no torch."""

import numpy as np

from filterfreq.data.image_files import ImageFiles
from filterfreq.evaluation.corruptions import SEVERITIES
from filterfreq.evaluation.corruptions.generation import corrupt_images
from filterfreq.frequencies.pairs import pair_energies

_MOST_IMAGES = 50_000
_PIXELS = 2**22  # that are corrupted at once


def noise_deviations(
    images: np.ndarray | ImageFiles, size: int, corruption: str, seed: int, processes: int = 1
) -> tuple[np.ndarray, int]:
    """Return how strong noise must be at each frequency to have the mean energy of a corruption.

    Noise is a sum of basis vectors (`filterfreq.frequencies.fourier.sum_basis_vectors`) with independent normal
    coefficients. Yin, Gontijo Lopes, Shlens, Cubuk, Gilmer, A Fourier Perspective on Model Robustness in Computer
    Vision, NeurIPS 2019, section 4.2, match their size to the corruption; how is not said there. Here the variance is
    the mean, over images and severities, of the energy of corrupted - clean at the frequency and its mirror. So the
    mean energy at every frequency is that of the corruption.

    Args:
        images: training images, uint8, N x H x W x 3; of more than 50,000 every so many-th.
        size: height and width of what is taken, out of the centre.
        corruption: a name in `filterfreq.evaluation.corruptions.CORRUPTIONS`.
        seed: not negative.
        processes: how many work side by side.

    Returns:
        The standard deviations, see `filterfreq.data.noise.load_deviations`, and the number of images they are from.

    Raises:
        InputError: see `corrupt_images`.
    """
    chosen = np.arange(0, len(images), -(-len(images) // _MOST_IMAGES))
    power = np.zeros((3, size, size))
    for start in range(0, len(chosen), length := max(1, _PIXELS // size**2)):
        clean = _centre(np.asarray(images[chosen[start : start + length]]), size)
        # Each part with draws of its own.
        own_seed = int(np.random.SeedSequence((seed, start)).generate_state(1)[0])
        corrupted = corrupt_images(clean, corruption, own_seed, processes)
        for of_severity in np.split(corrupted, len(SEVERITIES)):
            change = (of_severity.astype(np.float64) - clean) / 255
            power += (np.abs(np.fft.fft2(change, axes=(1, 2))) ** 2).sum(axis=0).transpose(2, 0, 1)
    return np.sqrt(pair_energies(power / (len(SEVERITIES) * len(chosen)))), len(chosen)


def _centre(images: np.ndarray, size: int) -> np.ndarray:
    top, left = ((side - size) // 2 for side in images.shape[1:3])
    return images[:, top : top + size, left : left + size]
