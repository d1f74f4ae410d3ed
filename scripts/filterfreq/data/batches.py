"""Batches and augmentation as batched tensor operations, on the device that holds the images."""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from filterfreq.data.image_files import ImageFiles
from filterfreq.data.registry import AUGMENTATIONS
from filterfreq.errors import InputError, unknown

POLICIES: tuple[str, ...] = ("autoaugment", "augmix")


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


def apply_policy(images: torch.Tensor, policy: str, seed: int) -> torch.Tensor:
    """Augment every image by its own draw from a policy, as torchvision implements it.

    `autoaugment` is the CIFAR-10 policy of Cubuk et al., AutoAugment, CVPR 2019. `augmix` mixes chains of operations
    (Hendrycks et al., AugMix, ICLR 2020, with its defaults: severity 3, three chains of one to three operations,
    alpha 1), without those that are corruptions of the benchmarks too: brightness, contrast, colour and sharpness.

    It works image by image on the CPU, so that it is the same on every device; the global generators are left alone.

    Args:
        images: uint8, N x H x W x 3, on any device.
        policy: one of `POLICIES`.
        seed: fixes all draws.

    Returns:
        The augmented images, in the layout and type of `images`.

    Raises:
        InputError: `policy` is unknown.
    """
    # Its import takes seconds: only a job that needs it pays.
    from torchvision.transforms import v2

    match policy:
        case "autoaugment":
            transform = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)
        case "augmix":
            transform = v2.AugMix(all_ops=False)
        case other:
            raise unknown("augmentation policy", other, POLICIES)
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed the GPU's generators too.
        torch.default_generator.manual_seed(seed)
        augmented = torch.stack([transform(image) for image in images.cpu().permute(0, 3, 1, 2)])
    return augmented.permute(0, 2, 3, 1).contiguous().to(images.device)


def add_gaussian_noise(images: torch.Tensor, sigma: float, generator: torch.Generator) -> torch.Tensor:
    """Add Gaussian noise to every second image, by chance, and clip to [0, 1].

    After Rusak et al., A Simple Way to Make Neural Networks Robust Against Diverse Image Corruptions, ECCV 2020, with a
    fixed standard deviation. Each image stays clean with probability 1/2, so that clean accuracy is trained for too.

    Args:
        images: float32, N x C x H x W, in [0, 1], on any device.
        sigma: standard deviation of the noise, in units of [0, 1].
        generator: a generator on the CPU.

    Returns:
        The images with noise, in channels_last memory format.
    """
    n, channels, height, width = images.shape
    scale = sigma * torch.randint(2, (n, 1, 1, 1), generator=generator)
    noise = scale * torch.randn((n, height, width, channels), generator=generator)
    return (images + noise.permute(0, 3, 1, 2).to(images.device)).clamp_(0, 1)


def batch_seed(seed: int, epoch: int, batch: int, purpose: str) -> int:
    """Return the seed of one kind of draws for one batch, independent of all others.

    Args:
        seed: the seed of the run, not negative.
        epoch: the number of the epoch, not negative.
        batch: the number of the batch in its epoch, not negative.
        purpose: "policy", "noise" or "mixup".
    """
    stream = ("policy", "noise", "mixup").index(purpose)
    sequence = np.random.SeedSequence((seed, epoch), spawn_key=(batch, stream))
    return int(sequence.generate_state(1, np.uint64)[0])


def epoch_batches(
    images: torch.Tensor,
    labels: torch.Tensor,
    batch_size: int,
    augmentation: str,
    seed: int,
    epoch: int,
    *,
    policy: str | None = None,
    noise: float | None = None,
    views: int = 1,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield one epoch of shuffled, augmented batches; the last one may be smaller.

    All randomness derives from (seed, epoch), that of policy and noise from (seed, epoch, batch), so that a resumed run
    needs no generator's state, and that order, crops and flips are the same with and without policy and noise.

    Args:
        images: uint8, N x H x W x C, on the device of the training.
        labels: int64, N, on the same device.
        batch_size: images per batch.
        augmentation: one of `AUGMENTATIONS`.
        seed: the seed of the run, not negative.
        epoch: the number of the epoch, not negative.
        policy: one of `POLICIES`, applied after crop and flip.
        noise: the standard deviation of `add_gaussian_noise`, applied last.
        views: with more than one a batch holds so many forms of its images, one block after the other: the first
            without the policy, the others each with their own draws from it.

    Yields:
        Images (float32, views * N x C x H x W, in [0, 1], channels_last) and their labels (int64, N).

    Raises:
        InputError: `augmentation` or `policy` is unknown.
    """
    state = np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)
    generator = torch.Generator().manual_seed(int(state[0]))
    order = torch.randperm(len(images), generator=generator).to(images.device)
    for number, batch in enumerate(order.split(batch_size)):
        stored = augment(images[batch], augmentation, generator)
        if policy is not None:
            clean = [stored] if views > 1 else []
            repeated = torch.cat([stored] * (views - len(clean)))
            policy_seed = batch_seed(seed, epoch, number, "policy")
            stored = torch.cat([*clean, apply_policy(repeated, policy, policy_seed)])
        ready = to_images(stored, images.device)
        if noise is not None:
            noise_generator = torch.Generator().manual_seed(batch_seed(seed, epoch, number, "noise"))
            ready = add_gaussian_noise(ready, noise, noise_generator)
        yield ready, labels[batch]
