"""Batches and their augmentation: of arrays as tensor operations on their device, of files while they are decoded."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from filterfreq.data.augmentation import DRAWS, draws, flips, resized_crop_box
from filterfreq.data.augmix import SEVERITIES, augmix
from filterfreq.data.decoding import decoded_batches
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.registry import AUGMENTATIONS
from filterfreq.runtime.errors import InputError, unknown

POLICIES: tuple[str, ...] = ("autoaugment", *SEVERITIES)
UNSCALED: tuple[str, ...] = tuple(kind for kind in AUGMENTATIONS if not kind.startswith("resized"))
"""The augmentations that `augment` makes; the others are those of `resized_crops`."""


_UNIT = 2**22  # PIL's weights are multiples of one part in so many


class Part(NamedTuple):
    """The images of a batch that one of several processes works on.

    What is drawn for a batch is drawn for all of its images by every process, so that it is the same for each image
    however many processes there are.

    Attributes:
        places: int64, N, on the CPU: where they are in the batch.
        count: how many images the batch has.
    """

    places: torch.Tensor
    count: int


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
    part: Part | None = None,
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
        part: which of a batch's images these are; without it they are the batch.

    Returns:
        The augmented images, in the layout and type of `images`.

    Raises:
        InputError: `kind` is unknown.
    """
    _check_augmentation(kind, UNSCALED)
    n, height, width, _ = images.shape
    places, count = (slice(None), n) if part is None else part
    tall, wide = (height, width) if size is None else (size, size)
    if "crop" not in kind:
        top, left = (height - tall) // 2, (width - wide) // 2
        images = images[:, top : top + tall, left : left + wide]
    if "flip" in kind:
        flipped = torch.randint(2, (count, 1, 1, 1), generator=generator)[places].bool().to(images.device)
        images = torch.where(flipped, images.flip(2), images)
    if "crop" in kind:
        # One call for both, as long as images are square, which stored ones are.
        corners = torch.randint(height - tall + 2 * padding + 1, (2, count), generator=generator)
        down, right = corners[:, places].to(images.device)
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
    boxes = np.array([resized_crop_box(of_image, height, width) for of_image in drawn]).reshape(n, 4)
    down, right = (
        _bilinear_weights(boxes[:, place], boxes[:, place + 2], full, size).to(images.device)
        for place, full in ((0, height), (1, width))
    )
    # From side to side first, and each direction as one product of matrices for each image.
    # Sums of integers, which double precision holds exactly.
    lines = _rounded(right @ images.double().permute(0, 2, 1, 3).flatten(2))
    scaled = _rounded(down @ lines.view(n, size, height, channels).transpose(1, 2).flatten(2))
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
    place = np.arange(full)[None, None] - start[:, None, None]
    weights = (1 - np.abs(place + 0.5 - centre) / np.maximum(scale, 1)).clip(0)
    weights *= (place >= 0) & (place < length[:, None, None])
    weights *= 1 / weights.sum(axis=2, keepdims=True)
    return torch.from_numpy(np.floor(weights * _UNIT + 0.5))


def _rounded(sums: torch.Tensor) -> torch.Tensor:
    return sums.add_(_UNIT / 2).div_(_UNIT).floor_().clamp_(0, 255)


def apply_policy(images: torch.Tensor, policy: str, seed: int, part: Part | None = None) -> torch.Tensor:
    """Augment every image by its own draw from a policy.

    `autoaugment` is the CIFAR-10 policy of Cubuk et al., AutoAugment, CVPR 2019, as torchvision implements it. `augmix`
    is that of Hendrycks et al., AugMix, ICLR 2020, as released for CIFAR, `augmix-imagenet` as released for ImageNet
    (see `filterfreq.data.augmix`).

    It works image by image on the CPU, so that it is the same on every device; the global generators are left alone.

    Args:
        images: uint8, N x H x W x 3, on any device.
        policy: one of `POLICIES`.
        seed: fixes all draws.
        part: as for `augment`.

    Returns:
        The augmented images, in the layout and type of `images`.

    Raises:
        InputError: `policy` is unknown.
    """
    if policy not in POLICIES:
        raise unknown("augmentation policy", policy, POLICIES)
    if policy in SEVERITIES:
        places = range(len(images)) if part is None else part.places.tolist()
        mixed = [
            augmix(image, SEVERITIES[policy], np.random.default_rng((seed, place)))
            for image, place in zip(images.cpu().numpy(), places, strict=True)
        ]
        return torch.from_numpy(np.stack(mixed)).to(images.device) if mixed else images
    # Its import takes seconds: only a job that needs it pays.
    from torchvision.transforms import v2

    transform = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed the GPU's generators too.
        torch.default_generator.manual_seed(seed)
        own = images.cpu().permute(0, 3, 1, 2)
        augmented = [transform(image) for image in own] if part is None else _own_transformed(own, transform, part)
    stacked = torch.stack(augmented) if augmented else own
    return stacked.permute(0, 2, 3, 1).contiguous().to(images.device)


def _own_transformed(own: torch.Tensor, transform: Callable, part: Part) -> list[torch.Tensor]:
    """Transform a part of a batch, with the draws that its images have among all."""
    images = dict(zip(part.places.tolist(), own, strict=True))
    # How much is drawn for an image depends on nothing in it, so that for those of others the smallest one will do.
    blank = own.new_zeros(own.shape[1], 1, 1)
    augmented = [(place, transform(images.get(place, blank))) for place in range(part.count)]
    return [image for place, image in augmented if place in images]


def add_gaussian_noise(
    images: torch.Tensor, sigma: float, generator: torch.Generator, part: Part | None = None
) -> torch.Tensor:
    """Add Gaussian noise to every second image, by chance, and clip to [0, 1].

    After Rusak et al., A Simple Way to Make Neural Networks Robust Against Diverse Image Corruptions, ECCV 2020, with a
    fixed standard deviation. Each image stays clean with probability 1/2, so that clean accuracy is trained for too.

    Args:
        images: float32, N x C x H x W, in [0, 1], on any device.
        sigma: standard deviation of the noise, in units of [0, 1].
        generator: a generator on the CPU.
        part: as for `augment`.

    Returns:
        The images with noise, in channels_last memory format.
    """
    n, channels, height, width = images.shape
    places, count = (slice(None), n) if part is None else part
    scale = sigma * torch.randint(2, (count, 1, 1, 1), generator=generator)[places]
    noise = scale * torch.randn((count, height, width, channels), generator=generator)[places]
    return (images + noise.permute(0, 3, 1, 2).to(images.device)).clamp_(0, 1)


def batch_seed(seed: int, epoch: int, batch: int, purpose: str) -> int:
    """Return the seed of one kind of draws for one batch, independent of all others.

    Args:
        seed: the seed of the run, not negative.
        epoch: the number of the epoch, not negative.
        batch: the number of the batch in its epoch, not negative.
        purpose: "policy", "noise", "mixup" or "step".
    """
    stream = ("policy", "noise", "mixup", "step").index(purpose)
    sequence = np.random.SeedSequence((seed, epoch), spawn_key=(batch, stream))
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
    policy: str | None = None,
    noise: float | None = None,
    views: int = 1,
    size: int | None = None,
    workers: int = 0,
    first: int = 0,
    chosen: Callable[[int], torch.Tensor] | None = None,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield one epoch of shuffled, augmented batches; the last one may be smaller.

    All randomness derives from (seed, epoch), that of policy and noise from (seed, epoch, batch), that of resized crops
    and of images in files from (seed, epoch, image), so that a resumed run needs no generator's state, that order,
    crops and flips are the same with and without policy and noise, and all is the same with any number of workers.

    Args:
        images: uint8, N x H x W x C, on the device of the training, or image files.
        labels: int64, N, on the device of the training.
        batch_size: images per batch.
        augmentation: one of `AUGMENTATIONS`.
        seed: the seed of the run, not negative.
        epoch: the number of the epoch, not negative.
        policy: one of `POLICIES`, applied after crop and flip.
        noise: the standard deviation of `add_gaussian_noise`, applied last.
        views: with more than one a batch holds so many forms of its images, one block after the other: the first
            without the policy, the others each with their own draws from it.
        size: height and width of the images of a batch; by default those of `images`.
        workers: processes that decode image files ahead of their use; with none they are decoded when they are asked
            for, by as many threads as `images` says.
        first: the number of the batch to begin with, for an epoch that was interrupted.
        chosen: of a batch of so many images, the places of those that are wanted (int64, on the CPU); all by default.
            Each is what it would be if all were made.

    Yields:
        Images (float32, views * N x C x H x W, in [0, 1], channels_last) and their labels (int64, N).

    Raises:
        InputError: `augmentation` or `policy` is unknown, or an image file cannot be read.
    """
    _check_augmentation(augmentation, AUGMENTATIONS)
    state = np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)
    generator = torch.Generator().manual_seed(int(state[0]))
    device, size = labels.device, size or images.shape[1]
    order = torch.randperm(len(images), generator=generator)
    batches = order.split(batch_size)
    parts = [None] * len(batches)
    if chosen is not None:
        parts = [Part(chosen(len(batch)), len(batch)) for batch in batches]
        batches = [batch[part.places] for batch, part in zip(batches, parts, strict=True)]
        order = torch.cat(batches)
    on_device = order.to(device).split([len(batch) for batch in batches])
    if isinstance(images, ImageFiles):
        augmented = decoded_batches(images, batches[first:], device, workers, augmentation, seed, epoch)
    elif augmentation.startswith("resized_crop"):
        augmented = (
            resized_crops(
                images[placed],
                augmentation,
                np.array([draws(seed, epoch, image) for image in batch.tolist()]).reshape(len(batch), DRAWS),
                size,
            )
            for batch, placed in zip(batches[first:], on_device[first:], strict=True)
        )
    else:
        # One generator draws for all batches, so those before the first are made too, and dropped.
        made = (
            augment(images[batch], augmentation, generator, size=size, part=part)
            for batch, part in zip(on_device, parts, strict=True)
        )
        augmented = islice(made, first, None)
    for number, (batch, stored) in enumerate(zip(on_device[first:], augmented, strict=True), start=first):
        if policy is not None:
            clean = [stored] if views > 1 else []
            repeated = torch.cat([stored] * (views - len(clean)))
            policy_seed = batch_seed(seed, epoch, number, "policy")
            of_all = _repeated(parts[number], views - len(clean))
            stored = torch.cat([*clean, apply_policy(repeated, policy, policy_seed, of_all)])
        ready = to_images(stored, device)
        if noise is not None:
            noise_generator = torch.Generator().manual_seed(batch_seed(seed, epoch, number, "noise"))
            ready = add_gaussian_noise(ready, noise, noise_generator, _repeated(parts[number], views))
        yield ready, labels[batch]


def _repeated(part: Part | None, times: int) -> Part | None:
    """The part of a batch that is there several times, one copy after the other."""
    if part is None or times == 1:
        return part
    return Part(torch.cat([part.places + part.count * copy for copy in range(times)]), part.count * times)
