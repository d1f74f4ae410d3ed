"""What becomes of an image's components: the released rescaling, and as a control those of its singular values."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

RESCALINGS: tuple[str, ...] = ("none", "released")
PARTS: tuple[str, ...] = ("leading", "trailing")
"""What `singular_parts` returns of an image, in this order."""

_ROUNDING = 1e-6  # of float32 images in [0, 1]: what has no larger value is rounding noise


def rescale_to_maximum(images: Tensor) -> Tensor:
    """Divide each image by its largest value over pixels and channels; negative values stay negative.

    As the released code of Wang et al., High-Frequency Component Helps Explain the Generalization of Convolutional
    Neural Networks, CVPR 2020, does with each component: x / max(x) * 255 before it divides by 255.

    Args:
        images: float, N x C x H x W, in units of the scale [0, 1].

    Returns:
        Like `images`, with a maximum of 1. An image without a value above 1e-6, which is black or rounding noise, stays
        as it is.
    """
    largest = images.amax(dim=(1, 2, 3), keepdim=True)
    return images / torch.where(largest > _ROUNDING, largest, 1)


def singular_parts(images: Tensor, ranks: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield for each rank the part of images that their first singular values make, and the rest.

    Of each channel, a matrix H x W, by itself: sum of s_i u_i v_i^T over the largest `rank` singular values, the best
    approximation of this rank (Eckart and Young, Psychometrika 1936). The control of Wang et al., CVPR 2020, for discs
    of frequencies.

    Args:
        images: float, N x C x H x W.
        ranks: from 1 to less than the smaller of H and W.

    Yields:
        The leading and the trailing part, which add up to `images`.
    """
    if not ranks:
        return
    left, values, right = torch.linalg.svd(images, full_matrices=False)
    scaled = left * values[..., None, :]
    for rank in ranks:
        leading = scaled[..., :rank] @ right[..., :rank, :]
        yield leading, images - leading
