"""Robust accuracy as it is defined: every image attacked at every epsilon, whatever is known of it."""

import numpy as np
import pyautoattack
import torch
import torch.nn.functional as F
from torch import nn


def attacked(
    model: nn.Module, images: torch.Tensor, labels: torch.Tensor, start: torch.Tensor, epsilon: float, steps: int
) -> torch.Tensor:
    """Linf PGD from `start` with steps of 2.5 epsilon / steps; with one step of epsilon from the images, FGSM."""
    size = epsilon if start is images else 2.5 * epsilon / steps
    adversarial = start.clone()
    for _ in range(steps):
        adversarial.requires_grad_(True)
        loss = F.cross_entropy(model(adversarial), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, adversarial)
        adversarial = adversarial.detach() + size * gradient.sign()
        adversarial = torch.max(torch.min(adversarial, images + epsilon), images - epsilon).clamp(0, 1)
    return adversarial.detach()


def withstands(
    model: nn.Module, images: np.ndarray, labels: np.ndarray, epsilon: float, steps: int, batch_size: int, seed: int
) -> np.ndarray:
    """Which images are correct before and after FGSM (steps = 0) or PGD, with the pipeline's random starts: bool, N."""
    results = []
    for first in range(0, len(labels), batch_size):
        clean = torch.from_numpy(np.array(images[first : first + batch_size])).permute(0, 3, 1, 2) / 255
        truth = torch.from_numpy(np.array(labels[first : first + batch_size]))
        start = clean
        if steps:
            state = np.random.SeedSequence((seed, first)).generate_state(1)[0]
            uniform = torch.rand(clean.shape, generator=torch.Generator().manual_seed(int(state)))
            start = (clean + epsilon * (2 * uniform - 1)).clamp(0, 1)
        adversarial = attacked(model, clean, truth, start, epsilon, max(steps, 1))
        with torch.no_grad():
            results.append((model(clean).argmax(1) == truth) & (model(adversarial).argmax(1) == truth))
    return torch.cat(results).numpy()


def autoattack(
    model: nn.Module, images: np.ndarray, labels: np.ndarray, epsilon: float, batch_size: int, seed: int, attacks=None
) -> np.ndarray:
    """Which images withstand the package's own evaluation, all of them given at once: bool, N."""
    adversary = pyautoattack.AutoAttack(model, norm="Linf", eps=epsilon, seed=seed)
    adversary.attacks_to_run = attacks or adversary.attacks_to_run
    clean = (torch.from_numpy(np.array(images)).permute(0, 3, 1, 2) / 255).contiguous()
    truth = torch.from_numpy(np.array(labels))
    with torch.random.fork_rng([]):
        _, predictions = adversary.run_standard_evaluation(clean, truth, batch_size=batch_size)
    return (predictions == truth).numpy()
