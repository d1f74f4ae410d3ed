"""Augmentation policies after crop and flip: AutoAugment and AugMix."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from filterfreq.data.augmix import SEVERITIES, augmix
from filterfreq.data.batches import Share
from filterfreq.runtime.errors import unknown_name
from filterfreq.training.intervention import Intervention

if TYPE_CHECKING:
    from torchvision.transforms import v2

_AUTOAUGMENT: Mapping[str, str] = {"autoaugment": "CIFAR10", "autoaugment-imagenet": "IMAGENET"}
_WITHOUT = "-without-brightness-contrast"
_IN_BENCHMARK = {"Brightness", "Contrast"}
POLICIES: tuple[str, ...] = (*_AUTOAUGMENT, *(f"{name}{_WITHOUT}" for name in _AUTOAUGMENT), *SEVERITIES)


def intervention(policy: str) -> Intervention:
    """Return the intervention that augments images by one of `POLICIES`."""
    return Intervention(
        stream="policy", change_stored=lambda images, seed, share: apply_policy(images, policy, seed, share)
    )


def apply_policy(images: Tensor, policy: str, seed: int, share: Share | None = None) -> Tensor:
    """Augment every image by its own draw from a policy.

    `autoaugment` is the CIFAR-10 policy of Cubuk et al., AutoAugment, CVPR 2019, as torchvision implements it,
    `autoaugment-imagenet` the one for ImageNet. Those that end with `-without-brightness-contrast` leave out every
    sub-policy with the operation Brightness or Contrast, which test images are corrupted with (Yin et al., A Fourier
    Perspective on Model Robustness in Computer Vision, NeurIPS 2019). `augmix` is that of Hendrycks et al., AugMix,
    ICLR 2020, as released for CIFAR, `augmix-imagenet` as released for ImageNet (see `filterfreq.data.augmix`).

    It works image by image on the CPU, so that it is the same on every device; the global generators are left alone.

    Args:
        images: uint8, N x H x W x 3, on any device.
        policy: one of `POLICIES`.
        seed: fixes all draws.
        share: as for `augment`.

    Returns:
        The augmented images, in the layout and type of `images`.

    Raises:
        InputError: `policy` is unknown.
    """
    if policy not in POLICIES:
        raise unknown_name("augmentation policy", policy, POLICIES)
    if policy in SEVERITIES:
        rows = range(len(images)) if share is None else share.rows.tolist()
        mixed = [
            augmix(image, SEVERITIES[policy], np.random.default_rng((seed, row)))
            for image, row in zip(images.cpu().numpy(), rows, strict=True)
        ]
        return torch.from_numpy(np.stack(mixed)).to(images.device) if mixed else images
    transform = _autoaugment(policy)
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would seed the GPU's generators too.
        torch.default_generator.manual_seed(seed)
        own = images.cpu().permute(0, 3, 1, 2)
        augmented = [transform(image) for image in own] if share is None else _own_transformed(own, transform, share)
    stacked = torch.stack(augmented) if augmented else own
    return stacked.permute(0, 2, 3, 1).contiguous().to(images.device)


def _autoaugment(policy: str) -> "v2.AutoAugment":
    # Its import takes seconds: only a job that needs it pays.
    from torchvision.transforms import v2

    transform = v2.AutoAugment(v2.AutoAugmentPolicy[_AUTOAUGMENT[policy.removesuffix(_WITHOUT)]])
    if policy.endswith(_WITHOUT):
        # Each sub-policy is a pair of (name of an operation, probability, magnitude).
        transform._policies = [
            operations for operations in transform._policies if not _IN_BENCHMARK & {name for name, *_ in operations}
        ]
    return transform


def _own_transformed(own: Tensor, transform: Callable, share: Share) -> list[Tensor]:
    """Transform a share of a batch, with the draws that its images have among all."""
    images = dict(zip(share.rows.tolist(), own, strict=True))
    # How much is drawn for an image depends on nothing in it, so that for those of others the smallest one will do.
    blank = own.new_zeros(own.shape[1], 1, 1)
    augmented = [(row, transform(images.get(row, blank))) for row in range(share.count)]
    return [image for row, image in augmented if row in images]
