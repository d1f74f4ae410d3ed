"""What a training goes through: images as its variant transforms them, once or by batch, and the labels it has."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.batches import plain_batches, to_images
from filterfreq.data.image_files import ImageFiles
from filterfreq.training.intervention import Intervention, changed_labels

_BATCH = 1024
_LARGEST = 2**30  # bytes of transformed images, four times as many as stored ones have


def load_split(dataset: PreparedDataset, split: str, device: torch.device | str) -> tuple[Tensor | ImageFiles, Tensor]:
    """Return the images of a split ("train" or "test") and their labels (int64, N), on a device but for image files."""
    images, labels = dataset.images(split), torch.from_numpy(np.array(dataset.labels(split)))
    if not isinstance(images, ImageFiles):
        images = torch.from_numpy(np.array(images)).to(device)
    return images, labels.to(device)


def load_training_split(
    dataset: PreparedDataset,
    interventions: Mapping[str, Intervention],
    augmentation: str,
    seed: int,
    device: torch.device | str,
) -> tuple[Tensor | ImageFiles, Tensor, Callable[[Tensor], Tensor] | None, np.ndarray | None]:
    """Return the images that a variant is trained on, and the labels that they have for it.

    Args:
        dataset: the prepared data.
        interventions: those of the variant.
        augmentation: that of the training.
        seed: of the run.
        device: where to compute.

    Returns:
        The images and what is left to do to those of each batch, as `transformed_images` returns them, with their
        labels (int64, N, on the device) in between; and the labels once more (int64, N) where the variant changes them,
        else None.
    """
    images, labels = load_split(dataset, "train", device)
    # The network sees images of the size of test images, to which larger ones are cut.
    size = dataset.images("test").shape[1]
    images, transform = transformed_images(images, interventions.values(), augmentation, size)
    changed = changed_labels(interventions, dataset.labels("train"), dataset.num_classes, seed)
    return images, labels if changed is None else torch.from_numpy(changed).to(device), transform, changed


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
