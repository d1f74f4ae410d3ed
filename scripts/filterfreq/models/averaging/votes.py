"""How the answers at several points become one, added up point by point so that no more is kept than a sum."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

# Added to the logarithm of a probability that does not count; minus infinity would have no gradient.
_NOTHING = -1e30


class Sums(NamedTuple):
    """What the answers at points add up to, for N images.

    Attributes:
        log_probability: the logarithm of the sum of the softmax, N x classes.
        logit: the sum of the logits, N x classes.
        votes: how many points predict each class, N x classes. Its gradient is that of the sum of the softmax, as
            votes have none: backward pass differentiable approximation (Athalye, Carlini, Wagner, ICML 2018).
        count: how many points there are, N x 1.
    """

    log_probability: Tensor
    logit: Tensor
    votes: Tensor
    count: Tensor

    def __add__(self, other: "Sums") -> "Sums":
        log_probability = torch.logaddexp(self.log_probability, other.log_probability)
        return Sums(log_probability, *(one + more for one, more in zip(self[1:], other[1:], strict=True)))

    def log_mean_softmax(self) -> Tensor:
        """Return the logarithm of the mean softmax, N x classes."""
        return self.log_probability - self.count.log()

    def entropy(self) -> Tensor:
        """Return the entropy of the mean softmax in nats, N x 1."""
        logs = self.log_mean_softmax()
        return -(logs.exp() * logs).sum(dim=1, keepdim=True)

    def vote(self, kind: str) -> Tensor:
        """Return logits, N x classes, whose largest is the answer of all points.

        The four are those of the released code of Lin, K. A., Jiang, 2019, arXiv 1905.12797.

        Args:
            kind: "softmax", the logarithm of the mean softmax; "logit", the mean logit; "majority", the logarithm of
                the share of points that predict a class, a point of its own added to each class (Laplace's rule), so
                that a cross entropy has a gradient where all points agree; or "weighted", the mean logit times the
                share without these.
        """
        mean, share = self.logit / self.count, self.votes / self.count
        kinds: Mapping[str, Tensor] = {
            "softmax": self.log_mean_softmax(),
            "logit": mean,
            "majority": (self.votes + 1).log() - (self.count + self.votes.shape[1]).log(),
            "weighted": mean * share,
        }
        return kinds[kind]


def add_up(logits: Tensor, counts: Tensor) -> Sums:
    """Return the sums over the points of each image.

    Args:
        logits: N x points x classes.
        counts: N x points, 1.0 for a point that counts and 0.0 for one that does not.
    """
    logs, counted = logits.log_softmax(dim=-1), counts[..., None]
    softmax = logs.exp()
    votes = torch.zeros_like(softmax).scatter_(-1, logits.argmax(dim=-1, keepdim=True), 1)
    votes = votes + (softmax - softmax.detach())
    return Sums(
        torch.where(counted > 0, logs, _NOTHING).logsumexp(dim=1),
        (logits * counted).sum(dim=1),
        (votes * counted).sum(dim=1),
        counts.sum(dim=1, keepdim=True),
    )
