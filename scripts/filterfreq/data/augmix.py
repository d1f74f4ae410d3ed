"""AugMix as its authors released it: an image mixed with three chains of operations on it. Imports no torch.

Hendrycks et al., AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty, ICLR 2020; repository
google-research/augmix. Only the operations that are no corruptions of the benchmarks: brightness, contrast, colour and
sharpness are left out, as by default there. Three chains of one to three operations, alpha 1.

torchvision's AugMix is milder: it draws strengths from a grid of three, the first of which is zero. timm's has other
operations.
"""

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageOps

SEVERITIES: Mapping[str, int] = {"augmix": 3, "augmix-imagenet": 1}
"""How strong operations are at most, in tenths of their range, in the authors' training of CIFAR and of ImageNet."""

_CHAINS = 3
_LONGEST = 3
_WEAKEST = 0.1


def augmix(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Mix an image with chains of operations on it.

    x' = (1 - m) x + m (w_1 x_1 + w_2 x_2 + w_3 x_3), with m uniform in [0, 1], w uniform on the simplex, and x_i what
    one to three operations make of x one after the other. They are drawn from nine, each with its own strength, uniform
    from 0.1 to `severity` tenths of its range.

    Args:
        image: uint8, H x W x 3.
        severity: from 1 to 10.
        rng: where all of it is drawn from.

    Returns:
        uint8, H x W x 3; the released code does not round.
    """
    picture = Image.fromarray(image)
    weights, share = rng.dirichlet(np.ones(_CHAINS)), rng.uniform()
    mixed = (1 - share) * image
    for weight in weights:
        changed = picture
        for _ in range(rng.integers(1, _LONGEST + 1)):
            operation = _OPERATIONS[rng.integers(len(_OPERATIONS))]
            changed = operation(changed, rng.uniform(_WEAKEST, severity) / 10, rng)
        mixed += share * weight * np.asarray(changed)
    return np.rint(mixed).astype(np.uint8)


def _autocontrast(picture: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    return ImageOps.autocontrast(picture)


def _equalize(picture: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    return ImageOps.equalize(picture)


def _posterize(picture: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    return ImageOps.posterize(picture, 4 - int(4 * strength))


def _solarize(picture: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    return ImageOps.solarize(picture, 256 - int(256 * strength))


def _rotate(picture: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    return picture.rotate(_random_sign(int(30 * strength), rng), resample=Image.Resampling.BILINEAR)


def _shear_x(picture: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    return _affine(picture, (1, _random_sign(0.3 * strength, rng), 0, 0, 1, 0))


def _shear_y(picture: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    return _affine(picture, (1, 0, 0, _random_sign(0.3 * strength, rng), 1, 0))


def _translate_x(picture: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    return _affine(picture, (1, 0, _random_sign(int(picture.width / 3 * strength), rng), 0, 1, 0))


def _translate_y(picture: Image.Image, strength: float, rng: np.random.Generator) -> Image.Image:
    return _affine(picture, (1, 0, 0, 0, 1, _random_sign(int(picture.height / 3 * strength), rng)))


_OPERATIONS: tuple[Callable[[Image.Image, float, np.random.Generator], Image.Image], ...] = (
    _autocontrast,
    _equalize,
    _posterize,
    _solarize,
    _rotate,
    _shear_x,
    _shear_y,
    _translate_x,
    _translate_y,
)


def _affine(picture: Image.Image, matrix: tuple[float, ...]) -> Image.Image:
    """Take pixel (x, y) from (a x + b y + c, d x + e y + f); what lies outside is black."""
    return picture.transform(picture.size, Image.Transform.AFFINE, matrix, resample=Image.Resampling.BILINEAR)


def _random_sign(value: float, rng: np.random.Generator) -> float:
    return -value if rng.uniform() > 0.5 else value
