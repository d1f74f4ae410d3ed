"""Random resized crops and the augmentation of image files: what is drawn for each image, and what it makes of one.

All that is drawn for an image derives from the run's seed, the epoch and the image's index in its data set alone, so
that it is the same in whatever order, in however many processes, and after whatever interruption images are decoded.
"""

import numpy as np
from PIL import Image

from filterfreq.data.images import fit, scale

_AREA = (0.08, 1.0)
_LOG_RATIO = (np.log(3 / 4), np.log(4 / 3))
_ATTEMPTS = 10
DRAWS = 2 * _ATTEMPTS + 4
"""How many numbers are drawn for an image: areas and aspect ratios, then top, left, and the two flips."""


def draws(seed: int, epoch: int, image: int) -> np.ndarray:
    """Return what an image's augmentation is drawn from: float64, `DRAWS`, uniform in [0, 1).

    Args:
        seed: the seed of the run, not negative.
        epoch: the number of the epoch, not negative.
        image: the index of the image in its data set.
    """
    # The 2 keeps this stream apart from those that derive from seed and epoch elsewhere.
    return np.random.default_rng((seed, epoch, 2, image)).random(DRAWS)


def resized_crop_box(drawn: np.ndarray, height: int, width: int) -> tuple[int, int, int, int]:
    """Return the box of a random resized crop: 8 to 100 % of the area, an aspect ratio from 3/4 to 4/3.

    Szegedy et al., Going Deeper with Convolutions, CVPR 2015, section 6, as torchvision's `RandomResizedCrop` draws it:
    area and logarithm of the ratio uniformly, up to ten times until the box fits, or else the largest centred one.

    Args:
        drawn: what `draws` returns.
        height: of the image, in pixels.
        width: likewise.

    Returns:
        Top, left, height and width of the box, in pixels.
    """
    area = height * width * (_AREA[0] + (_AREA[1] - _AREA[0]) * drawn[:_ATTEMPTS])
    ratio = np.exp(_LOG_RATIO[0] + (_LOG_RATIO[1] - _LOG_RATIO[0]) * drawn[_ATTEMPTS : 2 * _ATTEMPTS])
    widths, heights = np.round(np.sqrt(area * ratio)).astype(int), np.round(np.sqrt(area / ratio)).astype(int)
    fitting = np.flatnonzero((widths > 0) & (widths <= width) & (heights > 0) & (heights <= height))
    if len(fitting):
        tall, wide = int(heights[fitting[0]]), int(widths[fitting[0]])
        down, right = drawn[2 * _ATTEMPTS : 2 * _ATTEMPTS + 2]
        return int(down * (height - tall + 1)), int(right * (width - wide + 1)), tall, wide
    tall, wide = min(height, round(width * 4 / 3)), min(width, round(height * 4 / 3))
    return (height - tall) // 2, (width - wide) // 2, tall, wide


def flips(drawn: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return which images are flipped, from side to side and upside down, each with probability 1/2.

    Args:
        drawn: what `draws` returns, of one image or stacked.
        kind: an augmentation; one of "flip" is horizontal, of "flips" both ways.

    Returns:
        bool, both of the shape of `drawn` without its last axis.
    """
    across, over = (drawn[..., column] < 0.5 for column in (-2, -1))
    return across & ("flip" in kind), over & kind.endswith("flips")


def augment_image(
    image: Image.Image, kind: str, drawn: np.ndarray, size: int, resize: int | None = None
) -> Image.Image:
    """Augment one image of any size.

    Args:
        image: RGB.
        kind: one of `filterfreq.data.registry.AUGMENTATIONS`: "crop" cuts a window of the size out of the image
            (enlarged first where it is smaller), "resized_crop" a box that is then scaled to the size, bilinearly and
            without aliasing; without a crop the image is scaled and its centre cut out, as for testing.
        drawn: what `draws` returns.
        size: height and width of the result, in pixels.
        resize: the shorter side that the image is scaled to first; by default it keeps its own size.

    Returns:
        RGB, of size x size pixels. For equal draws it is what torchvision makes of PIL images.
    """
    if "crop" not in kind:
        image = fit(image, size, resize)
    elif resize is not None:
        image = scale(image, resize)
    width, height = image.size
    if kind.startswith("resized_crop"):
        top, left, tall, wide = resized_crop_box(drawn, height, width)
        image = image.crop((left, top, left + wide, top + tall)).resize((size, size), Image.Resampling.BILINEAR)
    elif "crop" in kind:
        if min(width, height) < size:
            image = scale(image, size)
            width, height = image.size
        down, right = drawn[2 * _ATTEMPTS : 2 * _ATTEMPTS + 2]
        top, left = int(down * (height - size + 1)), int(right * (width - size + 1))
        image = image.crop((left, top, left + size, top + size))
    across, over = flips(drawn, kind)
    if across:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if over else image
