"""Low- and high-frequency components of images of any size and proportions, before a detector resizes them."""

import numpy as np
import torch

from filterfreq.evaluation.detection.registry import Pass
from filterfreq.frequencies.masks import filter_frequencies, frequency_mask


def to_image(pixels: np.ndarray, device: torch.device | str) -> torch.Tensor:
    """Return an image (uint8, H x W x 3) as detectors take it: float32, 3 x H x W, in [0, 1]."""
    return torch.from_numpy(pixels.copy()).to(device).permute(2, 0, 1).float() / 255


def component(image: torch.Tensor, shown: Pass, mask: str, rescale: str, clip: bool) -> torch.Tensor:
    """Return a component of one image.

    Rows and columns have each their own centre of frequencies, so that the disc is one in cycles per image, whatever
    the proportions: the released code takes the number of rows for both, which is right for squares alone. Of an image
    that is not square, frequencies of one radius are finer in pixels along its shorter side.

    Args:
        image: float32, 3 x H x W, in [0, 1].
        shown: which component; of the original, the image itself is returned.
        mask: "strict" or "non_strict", see `filterfreq.frequencies.masks.frequency_mask`.
        rescale: "none", or "released": divided by its largest value, as the released code does, and left as it is where
            that is not above 0.
        clip: clip the component to [0, 1] after that.

    Returns:
        float32, 3 x H x W. A high component has mean 0; without `clip` half of its values are negative.

    Raises:
        InputError: an unknown kind or mask, or a radius that is not above 0.
    """
    if shown.radius is None:
        return image
    passing = frequency_mask(*image.shape[-2:], shown.kind, shown.radius, mask=mask)
    found = filter_frequencies(image[None], passing)[0]
    if rescale == "released" and found.max() > 0:
        found = found / found.max()
    return found.clamp(0, 1) if clip else found
