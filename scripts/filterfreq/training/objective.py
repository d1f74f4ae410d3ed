"""What training minimises: cross entropy, and what interventions make of it or add to it."""

from collections.abc import Callable, Collection

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from filterfreq.training.intervention import Intervention


class Objective:
    """The loss of a training and, beside it, the penalty.

    Args:
        interventions: those of the run's variant, in their order.
    """

    def __init__(self, interventions: Collection[Intervention]) -> None:
        self._cross_entropy: Callable[..., Tensor] = F.cross_entropy
        for one in interventions:
            if one.change_cross_entropy is not None:
                self._cross_entropy = one.change_cross_entropy(self._cross_entropy)
        self._added = [one.added_loss for one in interventions if one.added_loss is not None]
        self._penalties = [one.penalty for one in interventions if one.penalty is not None]

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return what is minimised beside the penalty, a scalar; 0 where a process has no image of a small batch.

        Args:
            logits: float, views x N x K.
            targets: int64, N, or float, N x K, every row a distribution over the classes.
        """
        if not len(targets):
            # Not a constant: the other processes wait for its gradients.
            return logits.sum()
        loss = self._cross_entropy(logits[0], targets)
        for added in self._added:
            loss = loss + added(logits, targets)
        return loss

    def penalty(self, classifier: nn.Module) -> Tensor | None:
        """Return the sum of the variant's penalties, a scalar, or None where it has none."""
        terms = [penalty(classifier) for penalty in self._penalties]
        return sum(terms[1:], start=terms[0]) if terms else None


def count_correct(logits: Tensor, targets: Tensor) -> Tensor:
    """Return how many predictions are right, a scalar; of a soft target, the probability that it gives the prediction.

    Args:
        logits: float, N x K.
        targets: as in `Objective.loss`.
    """
    predicted = logits.detach().argmax(1)
    if targets.dim() == 1:
        return (predicted == targets).sum()
    return torch.gather(targets, 1, predicted[:, None]).sum()
