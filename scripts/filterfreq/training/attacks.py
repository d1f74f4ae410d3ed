"""Gradient attacks inside a norm ball, for adversarial training and for evaluation alike."""

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from filterfreq.data.batches import Share
from filterfreq.runtime.errors import InputError
from filterfreq.training.attack_names import starts_at_random

ATTACKS: tuple[str, ...] = ("fgsm", "pgd")
NORMS: tuple[str, ...] = ("linf", "l2")


def fgsm(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    epsilon: float,
    norm: str = "linf",
    random_start: bool = False,
    generator: torch.Generator | None = None,
    chosen: torch.Tensor | None = None,
    share: Share | None = None,
) -> torch.Tensor:
    """Fast gradient sign method: one step of length epsilon along the gradient of the cross entropy.

    Goodfellow, Shlens, Szegedy, Explaining and Harnessing Adversarial Examples, ICLR 2015, section 4:
    x + epsilon sign(grad), clipped to [0, 1]. With norm "l2" the gradient is scaled to length epsilon instead
    (Miyato, Dai, Goodfellow, Adversarial Training Methods for Semi-Supervised Text Classification, ICLR 2017). With a
    random start the step is 1.25 epsilon, then projected onto the ball (Wong, Rice, Kolter, Fast is Better than Free:
    Revisiting Adversarial Training, ICLR 2020).

    Args:
        model: takes float images N x C x H x W in [0, 1], returns logits N x K. It is called in the mode it is in; in
            training mode its batch statistics see the adversarial batches too.
        images: float, N x C x H x W, in [0, 1].
        labels: int64, N: the true classes.
        epsilon: radius of the ball around each image, in units of [0, 1].
        norm: "linf" or "l2".
        random_start: start at a random point of the ball.
        generator: where the random start is drawn from, on any device; torch's global one by default.
        chosen: as in `pgd`.
        share: as in `pgd`.

    Returns:
        Adversarial images, detached, like `images`; of the chosen ones alone.

    Raises:
        InputError: an unknown norm, or a negative epsilon.
    """
    step_size = 1.25 * epsilon if random_start else epsilon
    return pgd(model, images, labels, epsilon, 1, step_size, norm, random_start, generator, chosen, share)


def pgd(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    epsilon: float,
    steps: int,
    step_size: float,
    norm: str = "linf",
    random_start: bool = True,
    generator: torch.Generator | None = None,
    chosen: torch.Tensor | None = None,
    share: Share | None = None,
) -> torch.Tensor:
    """Projected gradient descent on the negative cross entropy, from a random point of the ball.

    Madry et al., Towards Deep Learning Models Resistant to Adversarial Attacks, ICLR 2018, section 2.1:
    x <- project(x + step_size sign(grad)); with norm "l2" the step follows the gradient scaled to length one. Each
    point is projected onto the ball, then clipped to [0, 1], which never leads out of the ball. Parameters get no
    gradients, and the model's mode is left alone (see `fgsm`).

    Args:
        model: as in `fgsm`.
        images: float, N x C x H x W, in [0, 1].
        labels: int64, N: the true classes.
        epsilon: radius of the ball around each image, in units of [0, 1]; 0 returns the images.
        steps: number of gradient steps.
        step_size: length of a step in the norm of the ball, in units of [0, 1].
        norm: "linf" or "l2".
        random_start: start at a point drawn uniformly from the ball.
        generator: as in `fgsm`.
        chosen: bool, N: attack these images alone. Their random starts are those that they have among all N, so that
            leaving the others out changes nothing but the time.
        share: which of a batch's images these are, where processes share it; their random starts are those that they
            have among all.

    Returns:
        Adversarial images, detached, like `images`; of the chosen ones alone.

    Raises:
        InputError: an unknown norm, a negative epsilon or step size, or less than one step.
    """
    if norm not in NORMS:
        raise InputError(f"unknown norm {norm!r} of an attack: choose one of {', '.join(NORMS)}")
    if epsilon < 0 or step_size < 0 or steps < 1:
        raise InputError(
            f"an attack with epsilon {epsilon}, step size {step_size} and {steps} steps cannot run: "
            "give sizes that are not negative and at least one step"
        )
    images = images.detach()
    adversarial = images
    if random_start:
        adversarial = _project(images + _random_point(images, epsilon, norm, generator, share), images, epsilon, norm)
    if chosen is not None:
        images, labels, adversarial = images[chosen], labels[chosen], adversarial[chosen]
    for _ in range(steps):
        step = step_size * steepest_direction(_gradient(model, adversarial, labels), norm)
        adversarial = _project(adversarial + step, images, epsilon, norm)
    return adversarial.clone() if adversarial is images else adversarial


def check_attack(config: Mapping[str, Any]) -> None:
    """Check the keys of an attack that `attack_images` reads.

    Raises:
        InputError: an unknown attack or norm, or PGD without a number of steps.
    """
    for key, known in (("attack", ATTACKS), ("norm", NORMS)):
        if config.get(key) not in known:
            raise InputError(f"{key} {config.get(key)!r} of an attack is unknown: choose one of {', '.join(known)}")
    if config["attack"] == "pgd" and config.get("steps", 0) < 1:
        raise InputError("a pgd attack has no steps: give the key steps, at least 1")


def attack_images(
    config: Mapping[str, Any],
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    epsilon: float,
    generator: torch.Generator | None = None,
    chosen: torch.Tensor | None = None,
    share: Share | None = None,
) -> torch.Tensor:
    """Attack images as a mapping from the config says.

    Args:
        config: `attack` ("fgsm" or "pgd") and `norm`; optionally `random_start`, by default false for FGSM and true for
            PGD; for PGD `steps` and optionally `relative_step_size`, the step in units of epsilon. Its default
            2.5 / steps lets PGD reach the surface of the ball from any start and move along it (Madry et al. 2018,
            section 5).
        model: as in `fgsm`.
        images: float, N x C x H x W, in [0, 1].
        labels: int64, N.
        epsilon: radius of the ball, in units of [0, 1].
        generator: as in `fgsm`.
        chosen: as in `pgd`.
        share: as in `pgd`.

    Returns:
        Adversarial images, detached, like `images`; of the chosen ones alone.

    Raises:
        InputError: see `check_attack`, `pgd`.
    """
    check_attack(config)
    norm, start = config["norm"], starts_at_random(config)
    if config["attack"] == "fgsm":
        return fgsm(model, images, labels, epsilon, norm, start, generator, chosen, share)
    steps = config["steps"]
    step_size = config.get("relative_step_size", 2.5 / steps) * epsilon
    return pgd(model, images, labels, epsilon, steps, step_size, norm, start, generator, chosen, share)


def _gradient(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The gradient of each image's cross entropy by that image; no parameter's `.grad` is touched."""
    with torch.enable_grad():
        images = images.detach().requires_grad_()
        loss = F.cross_entropy(model(images), labels, reduction="sum")
    return torch.autograd.grad(loss, images)[0]


def steepest_direction(gradient: torch.Tensor, norm: str) -> torch.Tensor:
    """Return the step of length one in the ball's norm along which each loss grows fastest; zero where the gradient is.

    Args:
        gradient: of the losses by their images, N x C x H x W.
        norm: "linf" or "l2".
    """
    if norm == "linf":
        return gradient.sign()
    # The squares of a confident model's gradients would underflow, so the largest entry is brought to one first.
    tiny = torch.finfo(gradient.dtype).tiny
    gradient = gradient / gradient.abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(tiny)
    return gradient / _length(gradient).clamp_min(tiny)


def _project(points: torch.Tensor, images: torch.Tensor, epsilon: float, norm: str) -> torch.Tensor:
    if norm == "linf":
        return points.clamp(images - epsilon, images + epsilon).clamp(0, 1)
    return (images + shrink(points - images, epsilon, norm)).clamp(0, 1)


def shrink(offset: torch.Tensor, epsilon: float, norm: str) -> torch.Tensor:
    """Return the nearest offsets (N x C x H x W) inside the ball of a radius around zero."""
    if norm == "linf":
        return offset.clamp(-epsilon, epsilon)
    length = _length(offset).clamp_min(torch.finfo(offset.dtype).tiny)
    return offset * (epsilon / length).clamp_max(1)


def _random_point(
    images: torch.Tensor, epsilon: float, norm: str, generator: torch.Generator | None, share: Share | None
) -> torch.Tensor:
    """Offsets drawn uniformly from the ball, the same for one generator wherever the images are."""
    options = {"generator": generator, "dtype": images.dtype}
    options["device"] = images.device if generator is None else generator.device
    rows, count = (slice(None), len(images)) if share is None else share
    shape = (count, *images.shape[1:])
    if norm == "linf":
        offset = 2 * torch.rand(shape, **options) - 1
    else:
        # A uniform point of a d-ball: a uniform direction, and a radius distributed as U^(1/d).
        offset = torch.randn(shape, **options)
        radius = torch.rand((count, 1, 1, 1), **options) ** (1 / math.prod(shape[1:]))
        offset = offset / _length(offset) * radius
    return epsilon * offset[rows].to(images.device)


def _length(offset: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(offset, dim=(1, 2, 3), keepdim=True)
