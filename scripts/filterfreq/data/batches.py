"""Batches and their augmentation: of arrays as tensor operations on their device, of files while they are decoded."""

import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from filterfreq.data.augmentation import DRAWS, draws, flips, resized_crop_box
from filterfreq.data.decoding import decoded_batches
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.registry import AUGMENTATIONS
from filterfreq.runtime.errors import InputError

UNSCALED: tuple[str, ...] = tuple(kind for kind in AUGMENTATIONS if not kind.startswith("resized"))
"""The augmentations that `augment` makes; the others are those of `resized_crops`."""

_STREAMS = ("policy", "noise", "mixup", "step")
_UNIT = 2**22  # PIL's weights are multiples of one part in so many


class Share(NamedTuple):
    """The images of a batch that one of several processes works on.

    What is drawn for a batch is drawn for all of its images by every process, so that it is the same for each image
    however many processes there are.

    Attributes:
        rows: int64, N, on the CPU: where they are in the batch.
        count: how many images the batch has.
    """

    rows: torch.Tensor
    count: int


ChangeImages = Callable[[torch.Tensor, int, Share | None], torch.Tensor]
"""Takes images, the number of their batch, and which of the batch's images they are (None: all); returns as many."""


def to_images(array: np.ndarray | ImageFiles | torch.Tensor, device: torch.device | str) -> torch.Tensor:
    """Turn stored images into what classifiers take.

    Args:
        array: uint8, N x H x W x C.
        device: where the images go.

    Returns:
        float32, N x C x H x W, in [0, 1], in channels_last memory format.

    Raises:
        TypeError: `array` is not uint8, so that 255 would not be its white.
    """
    images = array if isinstance(array, torch.Tensor) else torch.tensor(np.asarray(array))
    if images.dtype != torch.uint8:
        raise TypeError(f"stored images are uint8, not {images.dtype}")
    # From pinned memory the copy goes on beside what follows.
    return images.to(device, non_blocking=True).float().div_(255).permute(0, 3, 1, 2)


def augment(
    images: torch.Tensor,
    kind: str,
    generator: torch.Generator,
    padding: int = 4,
    size: int | None = None,
    share: Share | None = None,
) -> torch.Tensor:
    """Crop and flip every image by its own draw: random crop after zero padding, horizontal flip with probability 1/2.

    Crop and flip are the usual ones of CIFAR training (He et al., Deep Residual Learning, 2016, section 4.2). Without a
    crop, the centre is cut out of images that are larger than wanted.

    Args:
        images: N x H x W x C as they are stored, on any device.
        kind: one of `UNSCALED`.
        generator: a generator on the CPU; drawing there makes the augmentation the same on every device.
        padding: pixels of zeros on each side before the crop.
        size: height and width of the result; by default those of `images`.
        share: which of a batch's images these are; without it they are the batch.

    Returns:
        The augmented images, in the layout and type of `images`.

    Raises:
        InputError: `kind` is unknown.
    """
    _check_augmentation(kind, UNSCALED)
    n, height, width, _ = images.shape
    rows, count = (slice(None), n) if share is None else share
    tall, wide = (height, width) if size is None else (size, size)
    if "crop" not in kind:
        top, left = (height - tall) // 2, (width - wide) // 2
        images = images[:, top : top + tall, left : left + wide]
    if "flip" in kind:
        flipped = torch.randint(2, (count, 1, 1, 1), generator=generator)[rows].bool().to(images.device)
        images = torch.where(flipped, images.flip(2), images)
    if "crop" in kind:
        # One call for both, as long as images are square, which stored ones are.
        corners = torch.randint(height - tall + 2 * padding + 1, (2, count), generator=generator)
        down, right = corners[:, rows].to(images.device)
        # A view of every window of every padded image; indexing copies the one that each image drew.
        windows = F.pad(images, (0, 0) + (padding,) * 4).unfold(1, tall, 1).unfold(2, wide, 1)
        images = windows.permute(0, 1, 2, 4, 5, 3)[torch.arange(n, device=images.device), down, right]
    return images


def _check_augmentation(kind: str, known: tuple[str, ...]) -> None:
    if kind not in known:
        raise InputError(f"unknown augmentation {kind!r}: choose one of {', '.join(known)}")


def resized_crops(images: torch.Tensor, kind: str, drawn: np.ndarray, size: int) -> torch.Tensor:
    """Cut a random box out of every image and scale it, then flip, as `augmentation.augment_image` does with files.

    The scaling is PIL's: bilinear over all pixels that fall into one, with weights in units of 2^-22, rounded after
    each direction. It equals PIL's in every bit, but for tall boxes: with them PIL may begin with the other direction,
    which can change the last bit.

    Args:
        images: uint8, N x H x W x C as they are stored, on any device.
        kind: "resized_crop", "resized_crop_flip" or "resized_crop_flips".
        drawn: what `augmentation.draws` returns, stacked: N x `DRAWS`.
        size: height and width of the result, in pixels.

    Returns:
        uint8, N x size x size x C.
    """
    n, height, width, channels = images.shape
    boxes = np.array([resized_crop_box(image_draws, height, width) for image_draws in drawn]).reshape(n, 4)
    down, right = (
        _bilinear_weights(boxes[:, axis], boxes[:, axis + 2], full, size).to(images.device)
        for axis, full in ((0, height), (1, width))
    )
    # From side to side first, and each direction as one product of matrices for each image.
    # Sums of integers, which double precision holds exactly.
    lines = _round(right @ images.double().permute(0, 2, 1, 3).flatten(2))
    scaled = _round(down @ lines.view(n, size, height, channels).transpose(1, 2).flatten(2))
    crops = scaled.to(torch.uint8).view(n, size, size, channels)
    for axis, flipped in zip((2, 1), flips(drawn, kind), strict=True):
        chosen = torch.from_numpy(flipped)[:, None, None, None].to(images.device)
        crops = torch.where(chosen, crops.flip(axis), crops)
    return crops


def _bilinear_weights(start: np.ndarray, length: np.ndarray, full: int, size: int) -> torch.Tensor:
    """Return what each of `full` pixels counts in each of `size` that part a box evenly: float64, N x size x full.

    They are whole numbers, in units of 2^-22.
    """
    scale = (length / size)[:, None, None]
    centre = (np.arange(size)[None, :, None] + 0.5) * scale
    pixel = np.arange(full)[None, None] - start[:, None, None]
    weights = (1 - np.abs(pixel + 0.5 - centre) / np.maximum(scale, 1)).clip(0)
    weights *= (pixel >= 0) & (pixel < length[:, None, None])
    weights *= 1 / weights.sum(axis=2, keepdims=True)
    return torch.from_numpy(np.floor(weights * _UNIT + 0.5))


def _round(sums: torch.Tensor) -> torch.Tensor:
    return sums.add_(_UNIT / 2).div_(_UNIT).floor_().clamp_(0, 255)


def batch_seed(seed: int, epoch: int, batch: int, stream: str) -> int:
    """Return the seed of one stream of draws for one batch, independent of all others.

    Args:
        seed: the seed of the run, not negative.
        epoch: the number of the epoch, not negative.
        batch: the number of the batch in its epoch, not negative.
        stream: the name of what is drawn, such as "step".
    """
    # The first streams have the numbers that they always had; that of another one comes from its name.
    number = _STREAMS.index(stream) if stream in _STREAMS else zlib.crc32(stream.encode()) + len(_STREAMS)
    sequence = np.random.SeedSequence((seed, epoch), spawn_key=(batch, number))
    return int(sequence.generate_state(1, np.uint64)[0])


def plain_batches(
    images: torch.Tensor | ImageFiles, batch_size: int, device: torch.device | str, workers: int = 0
) -> Iterator[torch.Tensor]:
    """Yield stored images in their order, batch by batch: uint8, N x H x W x C.

    Args:
        images: as `epoch_batches` takes them.
        batch_size: images per batch.
        device: where the batches are wanted; images in files come in memory that is quickly copied there.
        workers: as for `epoch_batches`.
    """
    if isinstance(images, ImageFiles):
        yield from decoded_batches(images, torch.arange(len(images)).split(batch_size), device, workers)
    else:
        yield from images.split(batch_size)


def epoch_batches(
    images: torch.Tensor | ImageFiles,
    labels: torch.Tensor,
    batch_size: int,
    augmentation: str,
    seed: int,
    epoch: int,
    *,
    change_stored: ChangeImages | None = None,
    change_images: ChangeImages | None = None,
    views: int = 1,
    size: int | None = None,
    workers: int = 0,
    first: int = 0,
    chosen: Callable[[int], torch.Tensor] | None = None,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield one epoch of shuffled, augmented batches; the last one may be smaller.

    All randomness derives from (seed, epoch), that of resized crops and of images in files from (seed, epoch, image).
    So a resumed run needs no generator's state; order, crops and flips are the same whatever else changes the images;
    and all is the same with any number of workers.

    Args:
        images: uint8, N x H x W x C, on the device of the training, or image files; or float32 images that are shown
            as they are, of any range, without a resized crop and `change_stored`.
        labels: int64, N, on the device of the training.
        batch_size: images per batch.
        augmentation: one of `AUGMENTATIONS`.
        seed: the seed of the run, not negative.
        epoch: the number of the epoch, not negative.
        change_stored: changes the images of a batch after crop and flip: uint8, N x H x W x C.
        change_images: changes them last: float32, N x C x H x W, in [0, 1].
        views: with more than one a batch holds so many forms of its images, one block after the other: the first
            without `change_stored`, the others each changed by its own draws.
        size: height and width of the images of a batch; by default those of `images`.
        workers: processes that decode image files ahead of their use; with none they are decoded when they are asked
            for, by as many threads as `images` says.
        first: the number of the batch to begin with, for an epoch that was interrupted.
        chosen: of a batch of so many images, the rows of those that are wanted (int64, on the CPU); all by default.
            Each is what it would be if all were made.

    Yields:
        Images (float32, views * N x C x H x W, in [0, 1], channels_last) and their labels (int64, N).

    Raises:
        InputError: `augmentation` is unknown, or an image file cannot be read.
    """
    _check_augmentation(augmentation, AUGMENTATIONS)
    state = np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)
    generator = torch.Generator().manual_seed(int(state[0]))
    device, size = labels.device, size or images.shape[1]
    order = torch.randperm(len(images), generator=generator)
    batches = order.split(batch_size)
    shares = [None] * len(batches)
    if chosen is not None:
        shares = [Share(chosen(len(batch)), len(batch)) for batch in batches]
        batches = [batch[share.rows] for batch, share in zip(batches, shares, strict=True)]
        order = torch.cat(batches)
    on_device = order.to(device).split([len(batch) for batch in batches])
    if isinstance(images, ImageFiles):
        augmented = decoded_batches(images, batches[first:], device, workers, augmentation, seed, epoch)
    elif augmentation.startswith("resized_crop"):
        augmented = (
            resized_crops(
                images[on_their_device],
                augmentation,
                np.array([draws(seed, epoch, image) for image in batch.tolist()]).reshape(len(batch), DRAWS),
                size,
            )
            for batch, on_their_device in zip(batches[first:], on_device[first:], strict=True)
        )
    else:
        # One generator draws for all batches, so those before the first are made too, and dropped.
        made = (
            augment(images[batch], augmentation, generator, size=size, share=share)
            for batch, share in zip(on_device, shares, strict=True)
        )
        augmented = islice(made, first, None)
    for number, (batch, stored) in enumerate(zip(on_device[first:], augmented, strict=True), start=first):
        if change_stored is not None:
            clean = [stored] if views > 1 else []
            changed = views - len(clean)
            repeated = torch.cat([stored] * changed)
            stored = torch.cat([*clean, change_stored(repeated, number, _repeat_share(shares[number], changed))])
        ready = to_images(stored, device) if stored.dtype == torch.uint8 else stored.permute(0, 3, 1, 2)
        if change_images is not None:
            ready = change_images(ready, number, _repeat_share(shares[number], views))
        yield ready, labels[batch]


def _repeat_share(share: Share | None, times: int) -> Share | None:
    """The share of a batch that is there several times, one copy after the other."""
    if share is None or times == 1:
        return share
    return Share(torch.cat([share.rows + share.count * copy for copy in range(times)]), share.count * times)
