"""Adversarial training: by FGSM, by PGD, or "free", with one backward pass for images and parameters."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from filterfreq.training.attacks import ATTACKS, attack_images, shrink, steepest_direction
from filterfreq.training.epsilon import parse_epsilon
from filterfreq.training.intervention import Attack, Intervention

TRAINING_ATTACKS: tuple[str, ...] = (*ATTACKS, "free")


def intervention(settings: Mapping[str, Any]) -> Intervention:
    """Return the intervention that moves every batch by an attack.

    Args:
        settings: `attack`, one of `TRAINING_ATTACKS`, `norm`, `epsilon` as text, and what `attack_images` reads beside
            them; of "free" `replays`, and where it is given `free_protocol`: "liu2021" for the released code of Liu et
            al. (NeurIPS 2021), in which the perturbation starts at zero for each batch.
    """
    epsilon = parse_epsilon(settings["epsilon"])
    if settings["attack"] == "free":
        starts_anew = settings.get("free_protocol") == "liu2021"
        return _free(FreePerturbation(epsilon, settings["norm"], settings["replays"] if starts_anew else None))

    def attack(images: Tensor, labels: Tensor, use: Attack) -> Tensor:
        # In eval mode, or the running statistics of batch normalisation would count every batch once per step.
        use.classifier.eval()
        adversarial = attack_images(settings, use.logits, images, labels, epsilon, use.generator, share=use.share)
        use.classifier.train()
        return adversarial

    return Intervention(attack=attack)


def _free(perturbation: "FreePerturbation") -> Intervention:
    lives_on = perturbation.starts_anew_after is None
    return Intervention(
        attack=lambda images, labels, use: perturbation.apply(images),
        after_backward=lambda shown: perturbation.update(shown.grad),
        # A training stops between batches, where one that starts anew is over.
        save_state=(lambda: perturbation.offset) if lives_on else None,
        load_state=perturbation.load if lives_on else None,
    )


class FreePerturbation:
    """The perturbation of "free" adversarial training, which lives on from step to step.

    Shafahi et al., Adversarial Training for Free!, NeurIPS 2019, algorithm 1: every batch is replayed m times; each
    pass takes the gradient of the parameters, for an ordinary step, and that of the images, for a step of the
    perturbation, d <- project(d + epsilon sign(grad)); with norm "l2" along the gradient scaled to length one. It
    starts at zero and is handed on from batch to batch; a smaller batch uses its first rows. As in the authors'
    code, for CIFAR as for ImageNet, the gradient is that by the perturbation: where the perturbed image leaves [0, 1]
    and is clipped it is zero, and the perturbation stays as it is.

    Attributes:
        offset: float32, B x C x H x W: the perturbation, inside the ball around zero; None before the first batch, than
            which no other is larger.

    Args:
        epsilon: radius of the ball, in units of [0, 1].
        norm: "linf" or "l2".
        starts_anew_after: passes after which it is zero again, as many as show one batch; None hands it on.
    """

    def __init__(self, epsilon: float, norm: str, starts_anew_after: int | None = None) -> None:
        self.offset: Tensor | None = None
        self.epsilon = epsilon
        self.norm = norm
        self.starts_anew_after = starts_anew_after
        self.passes = 0

    def load(self, offset: Tensor) -> None:
        """Go on from a perturbation."""
        self.offset = offset

    def apply(self, images: Tensor) -> Tensor:
        """Return the perturbed images, clipped to [0, 1], as a leaf that wants a gradient."""
        starts_anew = self.starts_anew_after is not None and self.passes % self.starts_anew_after == 0
        self.passes += 1
        if self.offset is None or starts_anew:
            self.offset = torch.zeros_like(images)
        perturbed = images + self.offset[: len(images)]
        self._is_clipped = (perturbed < 0) | (perturbed > 1)
        return perturbed.clamp_(0, 1).requires_grad_()

    def update(self, gradient: Tensor) -> None:
        """Step along the gradient (N x C x H x W) of the loss by what `apply` returned last."""
        gradient = gradient.masked_fill(self._is_clipped, 0)
        moved = self.offset[: len(gradient)]
        moved.copy_(shrink(moved + self.epsilon * steepest_direction(gradient, self.norm), self.epsilon, self.norm))
