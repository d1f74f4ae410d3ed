"""Attacks through whatever a classifier is, also where it is random or where its gradients may mislead.

Each takes float images N x C x H x W in [0, 1] and their labels, and returns one point for each image: that which the
attack takes for the worst. Whether it is one is judged afterwards, see `filterfreq.evaluation.draws`. Gradients of a
stochastic classifier are means over draws (expectation over transformation: Athalye, Engstrom, Ilyas, Kwok,
Synthesizing Robust Adversarial Examples, ICML 2018). APGD and Square are those of the package pyautoattack.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from pyautoattack.autopgd_base import APGDAttack
from pyautoattack.square import SquareAttack
from torch import nn

from filterfreq.evaluation.draws import is_stochastic
from filterfreq.training.attacks import shrink, steepest_direction

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

_NORMS = {"linf": "Linf", "l2": "L2"}


def cross_entropy(log_probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the cross entropy of each image.

    Args:
        log_probabilities: N x classes.
        labels: int64, N.
    """
    return F.nll_loss(log_probabilities, labels, reduction="none")


def margin(log_probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return how far the best wrong class is above the true one: above 0 where the answer is wrong.

    Carlini and Wagner, Towards Evaluating the Robustness of Neural Networks, IEEE S&P 2017, objective f6 without its
    bound.

    Args:
        log_probabilities: N x classes.
        labels: int64, N.
    """
    own = log_probabilities.gather(1, labels[:, None])
    others = log_probabilities.scatter(1, labels[:, None], -torch.inf)
    return others.amax(dim=1) - own[:, 0]


LOSSES: dict[str, Loss] = {"ce": cross_entropy, "margin": margin}


def mean_gradient(
    model: nn.Module, points: torch.Tensor, labels: torch.Tensor, loss: Loss, draws: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the means over draws of the gradient of each image's loss, of the loss and of the log-probabilities.

    One draw after the other, so that memory does not grow with their number.

    Args:
        model: a classifier.
        points: float, N x C x H x W.
        labels: int64, N.
        loss: of log-probabilities and labels, one number for each image.
        draws: the calls of the model, at least 1.
    """
    gradient, value, answer = torch.zeros_like(points), 0, 0
    for _ in range(draws):
        with torch.enable_grad():
            inputs = points.detach().requires_grad_()
            log_probabilities = model(inputs).log_softmax(dim=1)
            losses = loss(log_probabilities, labels)
        gradient += torch.autograd.grad(losses.sum(), inputs)[0]
        value, answer = value + losses.detach(), answer + log_probabilities.detach()
    return gradient / draws, value / draws, answer / draws


def pgd(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    norm: str,
    epsilon: float,
    steps: int,
    loss: Loss,
    draws: int,
    generator: torch.Generator | None,
) -> torch.Tensor:
    """Projected gradient ascent in steps of 2.5 epsilon / steps; the point of the highest mean loss on its way.

    Madry et al., Towards Deep Learning Models Resistant to Adversarial Attacks, ICLR 2018. An image that a classifier
    without draws gets wrong is left alone from there on.

    Args:
        model: a classifier.
        images: float, N x C x H x W, in [0, 1].
        labels: int64, N.
        norm: "linf" or "l2".
        epsilon: radius of the ball, in units of [0, 1].
        steps: at least 1; a single one has the length epsilon and is FGSM.
        loss: one of `LOSSES`.
        draws: see `mean_gradient`.
        generator: of the random start, on the CPU; None starts at the image.
    """
    points = images if generator is None else _clip(images + _random_start(images, norm, epsilon, generator))
    worst, highest = points.clone(), torch.full((len(images),), -torch.inf, device=images.device)
    active = torch.arange(len(images), device=images.device)
    step_size = epsilon * (1 if steps == 1 else 2.5 / steps)
    for _ in range(steps + 1):
        gradient, value, answer = mean_gradient(model, points, labels[active], loss, draws)
        is_wrong = answer.argmax(dim=1) != labels[active]
        is_worse = (value > highest[active]) | (is_wrong & (not is_stochastic(model)))
        worst[active[is_worse]], highest[active[is_worse]] = points[is_worse], value[is_worse]
        if not is_stochastic(model):
            active, points, gradient = active[~is_wrong], points[~is_wrong], gradient[~is_wrong]
        if not len(active):
            break
        points = points + step_size * steepest_direction(gradient, norm)
        points = _clip(images[active] + shrink(points - images[active], epsilon, norm))
    return worst


def apgd(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    norm: str,
    epsilon: float,
    steps: int,
    loss: str,
    draws: int,
    seed: int,
) -> torch.Tensor:
    """APGD of Croce and Hein (ICML 2020), once, from a random point.

    Args:
        model: a classifier.
        images: float, N x C x H x W, in [0, 1].
        labels: int64, N.
        norm: "linf" or "l2".
        epsilon: radius of the ball, in units of [0, 1].
        steps: at least 1.
        loss: "ce", or "margin" for the difference of logits ratio, which takes at least 3 classes.
        draws: over which each gradient is averaged, the package's `eot_iter`.
        seed: of the random start.

    Returns:
        The last point that one draw got wrong; where there was none, that of the highest loss.
    """
    attack = APGDAttack(
        _log_probabilities(model),
        n_iter=steps,
        norm=_NORMS[norm],
        eps=epsilon,
        loss={"ce": "ce", "margin": "dlr"}[loss],
        eot_iter=draws,
        device=images.device,
        # Where there are no gradients the package says so, which is no error of the job.
        logger=logging.getLogger("auto-attack"),
    )
    # The package reshapes images and their gradients as views, which only the default memory format allows.
    images = images.contiguous()
    attack.init_hyperparam(images)
    with _seeded(seed, images.device):
        highest, is_right, _, wrong = attack.attack_single_run(images, labels)
    return torch.where(is_right.bool()[:, None, None, None], highest, wrong).detach()


def square(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    norm: str,
    epsilon: float,
    queries: int,
    p: float,
    seed: int,
    draws: int | None = None,
) -> torch.Tensor:
    """Square Attack of Andriushchenko, Croce, Flammarion and Hein (ECCV 2020), on the margin.

    Args:
        model: a classifier.
        images: float, N x C x H x W, in [0, 1].
        labels: int64, N.
        norm: "linf" or "l2".
        epsilon: radius of the ball, in units of [0, 1].
        queries: at most, after the first one, for each image.
        p: share of the pixels that the first squares change.
        seed: of its random search.
        draws: of a stochastic classifier, accept a step where the loss averaged over so many falls, and do not stop
            at a success, which one draw may have been. The maintainers of AutoAttack advise so for such classifiers
            (repository fra31/auto-attack, issue 15). Unless given, the attack stops as the package has it.
    """
    kind = SquareAttack if draws is None else partial(_SquareOverDraws, draws)
    attack = kind(
        _log_probabilities(model),
        norm=_NORMS[norm],
        n_queries=queries,
        eps=epsilon,
        p_init=p,
        loss="margin",
        device=images.device,
    )
    images = images.contiguous()
    attack.init_hyperparam(images)
    with _seeded(seed, images.device):
        return attack.attack_single_run(images, labels)[1]


class _SquareOverDraws(SquareAttack):
    """Square Attack that knows no success, and whose loss is the mean over some calls."""

    def __init__(self, draws: int, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.draws = draws

    def margin_and_loss(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        losses = torch.stack([super(_SquareOverDraws, self).margin_and_loss(x, y)[1] for _ in range(self.draws)])
        mean = losses.mean(dim=0)
        return torch.ones_like(mean), mean


def noise(
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    norm: str,
    epsilon: float,
    tries: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """Random noise of the whole budget: the worst by its margin of several tries.

    Args:
        model: a classifier.
        images: float, N x C x H x W, in [0, 1].
        labels: int64, N.
        norm: of noise "linf" every value is changed by epsilon, up or down; "l2" is uniform over the sphere.
        epsilon: radius of the ball, in units of [0, 1].
        tries: points that are drawn for each image.
        generator: of the noise, on the CPU.
    """
    worst, highest = images.clone(), torch.full((len(images),), -torch.inf, device=images.device)
    for _ in range(tries):
        direction = torch.randn(images.shape, generator=generator).to(images)
        points = _clip(images + epsilon * steepest_direction(direction, norm))
        with torch.no_grad():
            value = margin(model(points).log_softmax(dim=1), labels)
        is_worse = value > highest
        worst[is_worse], highest[is_worse] = points[is_worse], value[is_worse]
    return worst


def _random_start(images: torch.Tensor, norm: str, epsilon: float, generator: torch.Generator) -> torch.Tensor:
    """A uniform point of the cube, or of the sphere, which is where a point of a ball of many dimensions lies."""
    if norm == "linf":
        return epsilon * (2 * torch.rand(images.shape, generator=generator).to(images) - 1)
    return epsilon * steepest_direction(torch.randn(images.shape, generator=generator).to(images), norm)


def _clip(points: torch.Tensor) -> torch.Tensor:
    return points.clamp(0, 1)


def _log_probabilities(model: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda images: model(images).log_softmax(dim=1)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators, which the package draws from, and leave them as they were."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
