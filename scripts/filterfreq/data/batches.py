"""Batches and augmentation as batched tensor operations, on the device that holds the images."""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from filterfreq.data.registry import AUGMENTATIONS
from filterfreq.errors import InputError


def to_images(array: np.ndarray | torch.Tensor, device: torch.device | str) -> torch.Tensor:
    """Turn stored images into what classifiers take.

    Args:
        array: uint8, N x H x W x C.
        device: where the images go.

    Returns:
        float32, N x C x H x W, in [0, 1], in channels_last memory format.

    Raises:
        TypeError: `array` is not uint8, so that 255 would not be its white.
    """
    images = array if isinstance(array, torch.Tensor) else torch.tensor(array)
    if images.dtype != torch.uint8:
        raise TypeError(f"stored images are uint8, not {images.dtype}")
    return images.to(device).float().div_(255).permute(0, 3, 1, 2)


def augment(images: torch.Tensor, kind: str, generator: torch.Generator, padding: int = 4) -> torch.Tensor:
    """Crop and flip every image by its own draw: random crop after zero padding, horizontal flip with probability 1/2.

    Crop and flip are the usual ones of CIFAR training (He et al., Deep Residual Learning, 2016, section 4.2).

    Args:
        images: N x H x W x C as they are stored, on any device.
        kind: one of `AUGMENTATIONS`.
        generator: a generator on the CPU; drawing there makes the augmentation the same on every device.
        padding: pixels of zeros on each side before the crop.

    Returns:
        The augmented images, in the layout and type of `images`.

    Raises:
        InputError: `kind` is unknown.
    """
    if kind not in AUGMENTATIONS:
        raise InputError(f"unknown augmentation {kind!r}: choose one of {', '.join(AUGMENTATIONS)}")
    if kind == "none":
        return images
    n, height, width, _ = images.shape
    if "flip" in kind:
        flipped = torch.randint(2, (n, 1, 1, 1), generator=generator).bool().to(images.device)
        images = torch.where(flipped, images.flip(2), images)
    if "crop" in kind:
        down, right = torch.randint(2 * padding + 1, (2, n), generator=generator).to(images.device)
        # A view of every window of every padded image; indexing copies the one that each image drew.
        windows = F.pad(images, (0, 0) + (padding,) * 4).unfold(1, height, 1).unfold(2, width, 1)
        images = windows.permute(0, 1, 2, 4, 5, 3)[torch.arange(n, device=images.device), down, right]
    return images


def epoch_batches(
    images: torch.Tensor, labels: torch.Tensor, batch_size: int, augmentation: str, seed: int, epoch: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield one epoch of shuffled, augmented batches; the last one may be smaller.

    All randomness derives from (seed, epoch), so that a resumed run needs no generator's state.

    Args:
        images: uint8, N x H x W x C, on the device of the training.
        labels: int64, N, on the same device.
        batch_size: images per batch.
        augmentation: one of `AUGMENTATIONS`.
        seed: the seed of the run, not negative.
        epoch: the number of the epoch, not negative.

    Yields:
        Images (float32, N x C x H x W, in [0, 1], channels_last) and their labels (int64, N).

    Raises:
        InputError: `augmentation` is unknown.
    """
    state = np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)
    generator = torch.Generator().manual_seed(int(state[0]))
    order = torch.randperm(len(images), generator=generator).to(images.device)
    for batch in order.split(batch_size):
        yield to_images(augment(images[batch], augmentation, generator), images.device), labels[batch]
