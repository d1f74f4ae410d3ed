"""Random directions from an image, the same for all models."""

import torch

from filterfreq.evaluation.draws import derive_seed

_SEED = 1


def uniform_directions(images: range, shape: torch.Size, name: str) -> torch.Tensor:
    """Return a direction for each image, uniform on the unit sphere.

    It follows from the number of the image and the name alone: it does not depend on the batch, the model or its seed,
    nor on the device.

    Args:
        images: their numbers in the data set.
        shape: of an image, C x H x W.
        name: tells apart what is drawn for different purposes.

    Returns:
        float32, N x C x H x W, on the CPU.
    """
    drawn = torch.empty(len(images), *shape)
    for row, image in enumerate(images):
        drawn[row].normal_(generator=torch.Generator().manual_seed(derive_seed(_SEED, image, name)))
    return drawn / torch.linalg.vector_norm(drawn, dim=(1, 2, 3), keepdim=True)
