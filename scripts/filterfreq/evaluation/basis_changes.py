"""Test images with one Fourier basis vector added, as the suites `fourier_heat_map` and `fourier_attack` show them.

To channel c of an image in [0, 1] s_c v U is added, U of unit L2 norm. The sign s_c is drawn for each image and
channel, the same for all frequencies, norms and models.
"""

import numpy as np
import torch

from filterfreq.frequencies.fourier import fourier_basis_vector

_SEED = 0  # of the signs


def draw_signs(count: int, channels: int) -> torch.Tensor:
    """Return the signs of the first images of a data set: int64, count x channels, -1 or 1."""
    return torch.from_numpy(np.random.default_rng(_SEED).integers(0, 2, (count, channels)) * 2 - 1)


def add_basis_vector(
    images: torch.Tensor, signs: torch.Tensor, frequency: tuple[int, int], norm: float, clip: bool
) -> torch.Tensor:
    """Return images with a basis vector added.

    Args:
        images: float, N x C x H x W in [0, 1].
        signs: N x C, -1 or 1, see `draw_signs`.
        frequency: (u, v), one of `filterfreq.frequencies.pairs.distinct_frequencies`.
        norm: v, the L2 norm of the change of a channel.
        clip: clip to [0, 1], which shortens the change.
    """
    vector = fourier_basis_vector(*images.shape[-2:], *frequency).to(images.device, images.dtype)
    changed = images + norm * signs.to(images.device, images.dtype)[:, :, None, None] * vector
    return changed.clamp_(0, 1) if clip else changed
