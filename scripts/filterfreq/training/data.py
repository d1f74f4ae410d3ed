"""What a training goes through: images as its variant transforms them, once or by batch, and the labels it has."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.batches import plain_batches, to_images
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.labels import save_labels
from filterfreq.data.stored_indices import save_indices
from filterfreq.training.chosen import choose_images
from filterfreq.training.intervention import Intervention, changed_labels

_BATCH = 1024
_LARGEST = 2**30  # bytes of transformed images, four times as many as stored ones have


class TrainingSplit(NamedTuple):
    """What a variant is trained on, and validated with.

    Attributes:
        images: as `transformed_images` returns them.
        labels: those that the images have for the training, int64, N, on the device.
        transform: what is left to do to the images of each batch, or None.
        changed_labels: the labels of all training images of the data set, where the variant changes them, else None.
        trained: the indices of `images` in the data set, int64, N, where they are not all, else None.
        validation: the indices of the images to validate with, int64, or None.
        validation_images: these images, in the size that the network sees, and their own labels; None without any.
    """

    images: Tensor | ImageFiles
    labels: Tensor
    transform: Callable[[Tensor], Tensor] | None
    changed_labels: np.ndarray | None
    trained: np.ndarray | None
    validation: np.ndarray | None
    validation_images: tuple[Tensor | ImageFiles, Tensor] | None

    def save(self, folder: str | Path) -> dict[str, dict[str, str]]:
        """Write beside a run's weights what is not the data set's own, and return what the run's record says of it.

        Args:
            folder: the run's folder.

        Raises:
            InputError: the disk is full.
        """
        record = {} if self.changed_labels is None else {"labels": save_labels(folder, self.changed_labels)}
        for key, indices in (("trained_on", self.trained), ("validated_with", self.validation)):
            if indices is not None:
                record[key] = save_indices(folder, key, indices)
        return record


def load_split(
    dataset: PreparedDataset, split: str, device: torch.device | str, chosen: np.ndarray | None = None
) -> tuple[Tensor | ImageFiles, Tensor]:
    """Return the images of a split ("train" or "test") and their labels (int64, N), on a device but for image files.

    Args:
        dataset: the prepared data.
        split: its name.
        device: where they are to be.
        chosen: indices of those that are wanted; all by default.
    """
    images, labels = dataset.images(split), torch.from_numpy(np.array(dataset.labels(split)))
    if chosen is not None:
        images, labels = images[chosen], labels[torch.from_numpy(chosen)]
    if not isinstance(images, ImageFiles):
        images = torch.from_numpy(np.array(images)).to(device)
    return images, labels.to(device)


def load_training_split(
    dataset: PreparedDataset,
    interventions: Mapping[str, Intervention],
    augmentation: str,
    seed: int,
    device: torch.device | str,
) -> TrainingSplit:
    """Return the images that a variant is trained on, and the labels that they have for it.

    Args:
        dataset: the prepared data.
        interventions: those of the variant.
        augmentation: that of the training.
        seed: of the run.
        device: where to compute.

    Raises:
        InputError: see `choose_images`.
    """
    own_labels = dataset.labels("train")
    chosen = choose_images(interventions, own_labels, seed)
    images, labels = load_split(dataset, "train", device, chosen.trained)
    # The network sees images of the size of test images, to which larger ones are cut.
    size = dataset.images("test").shape[1]
    images, transform = transformed_images(images, interventions.values(), augmentation, size)
    changed = changed_labels(interventions, own_labels, dataset.classes, seed)
    if changed is not None:
        labels = torch.from_numpy(changed if chosen.trained is None else changed[chosen.trained]).to(device)
    validation = None
    if chosen.validation is not None:
        shown, their_labels = load_split(dataset, "train", device, chosen.validation)
        validation = _cut_centre(shown, size), their_labels
    return TrainingSplit(images, labels, transform, changed, *chosen, validation)


def _cut_centre(images: Tensor | ImageFiles, size: int) -> Tensor | ImageFiles:
    """Return the centres of stored training images; files are read in the size that they are to have."""
    if not isinstance(images, Tensor):
        return images
    top, left = ((side - size) // 2 for side in images.shape[1:3])
    return images[:, top : top + size, left : left + size]


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
