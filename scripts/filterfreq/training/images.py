"""The training images as a variant transforms them: once for all where nothing changes them before, else by batch."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from filterfreq.data.batches import plain_batches, to_images
from filterfreq.data.image_files import ImageFiles
from filterfreq.training.intervention import Intervention

_BATCH = 1024
_LARGEST = 2**30  # bytes of transformed images, four times as many as stored ones have


def transformed_images(
    images: Tensor | ImageFiles, interventions: Iterable[Intervention], augmentation: str, size: int
) -> tuple[Tensor | ImageFiles, Callable[[Tensor], Tensor] | None]:
    """Return the images of a training, and what is left to do to those of each batch.

    Images that no augmentation, policy or noise changes, and of which all fit in 1 GiB, are transformed here.

    Args:
        images: uint8, N x H x W x C, on the device of the training, or image files.
        interventions: those of the variant.
        augmentation: that of the training.
        size: height and width of the images that the network sees, in pixels.

    Returns:
        The images, as they came or float32, N x H x W x C, as `filterfreq.data.batches.epoch_batches` takes them; and
        the function of a batch, N x C x H x W, that is still to be applied, or None.
    """
    interventions = list(interventions)
    transforms = [one.transform for one in interventions if one.transform is not None]
    if not transforms:
        return images, None

    def transform(batch: Tensor) -> Tensor:
        for one in transforms:
            batch = one(batch)
        return batch

    changes = any(one.change_stored is not None or one.change_images is not None for one in interventions)
    is_whole = isinstance(images, Tensor) and images.shape[1:3] == (size, size)
    if changes or augmentation != "none" or not is_whole or 4 * images.numel() > _LARGEST:
        return images, transform
    batches = plain_batches(images, _BATCH, images.device)
    transformed = [transform(to_images(batch, images.device)).permute(0, 2, 3, 1) for batch in batches]
    return torch.cat(transformed).contiguous(), None
