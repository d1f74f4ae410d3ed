"""The corruptions image by image, as the package imagecorruptions-imaug computes them."""

import imagecorruptions
import numpy as np


def corrupt_image(image: np.ndarray, corruption: str, severity: int, seed: int) -> np.ndarray:
    """Return the corrupted image, uint8 of H x W x 3, like `image`; numpy's global generator is seeded.

    Where no drop of spatter falls, the package divides 0 by 0 and returns an arbitrary image; here it stays as it is.
    """
    np.random.seed(seed)  # noqa: NPY002  # the generator that most of the corruptions draw from
    options = {"seed": seed} if corruption in ("impulse_noise", "glass_blur") else {}
    try:
        with np.errstate(invalid="raise"):
            return imagecorruptions.corrupt(image, severity, corruption, **options)
    except FloatingPointError:
        if corruption != "spatter":
            raise
        return image
