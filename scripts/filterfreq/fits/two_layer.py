"""Wide two-layer ReLU networks, `h(x) = sum_j a_j relu(w_j . x + b_j)` without a factor, and gradient descent on them.

In float64 and with gradients written out: a step of ten thousand neurons takes a fraction of a millisecond.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from filterfreq.evaluation.results import format_parameter, quantity
from filterfreq.fits.job import FitJob
from filterfreq.fits.training import train_by_iterations
from filterfreq.runtime.errors import InputError


class TwoLayerNetworks:
    """Networks of equal width that learn different values at the same points, side by side.

    Attributes:
        inner: B x (d + 1) x m, float64: w_j and below them b_j.
        outer: B x m, a_j.
        momenta: the last steps of both, which the next ones go on from by a part.

    Args:
        w: m x d, the same for all networks at first.
        b: m.
        a: m.
        count: B, the networks.
        device: where they are.
    """

    def __init__(self, w: np.ndarray, b: np.ndarray, a: np.ndarray, count: int, device: torch.device) -> None:
        inner = torch.as_tensor(np.vstack([w.T, b]), dtype=torch.float64, device=device)
        self.inner = inner.repeat(count, 1, 1)
        self.outer = torch.as_tensor(a, dtype=torch.float64, device=device).repeat(count, 1)
        self.momenta = [torch.zeros_like(part) for part in (self.inner, self.outer)]

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Return the networks' values at points: n x d gives B x n."""
        extended = self.extend(points)
        # In parts, as fifty thousand neurons at all points are gigabytes.
        parts = extended.split(max(1, 2**22 // self.outer.numel()))
        return torch.cat([self._hidden(part) @ self.outer.unsqueeze(2) for part in parts], dim=1)[..., 0].cpu().numpy()

    def extend(self, points: np.ndarray) -> Tensor:
        """Return points with a 1 behind their coordinates, which multiplies the biases: n x (d + 1)."""
        extended = np.hstack([points, np.ones((len(points), 1))])
        return torch.as_tensor(extended, dtype=torch.float64, device=self.outer.device)

    def _hidden(self, extended: Tensor) -> Tensor:
        return torch.matmul(extended, self.inner).clamp_(min=0)

    def descend(self, extended: Tensor, values: Tensor, rate: float, momentum: float = 0) -> Tensor:
        """Take one step of gradient descent on all parameters, each network on its own loss.

        Args:
            extended: what `extend` returns of the points.
            values: B x n, what is learned.
            rate: of the learning.
            momentum: Polyak's, the part of the last step that is added; from 0 to below 1.

        Returns:
            The loss of each network before the step, the sum of the squared errors over the points: B.
        """
        hidden = self._hidden(extended)
        errors = (hidden @ self.outer.unsqueeze(2)).squeeze(2) - values
        outer_gradient = (errors.unsqueeze(1) @ hidden).squeeze(1)
        active = hidden.sign_().mul_(errors.unsqueeze(2))  # which are positive, each times its point's error
        inner_gradient = (extended.T @ active).mul_(self.outer.unsqueeze(1))
        gradients = (inner_gradient, outer_gradient)
        for part, last, gradient in zip((self.inner, self.outer), self.momenta, gradients, strict=True):
            part.add_(last.mul_(momentum).sub_(gradient, alpha=2 * rate))
        return errors.square().sum(1)

    def state_dict(self) -> dict[str, Any]:
        """Return all parameters and their last steps."""
        return {"inner": self.inner, "outer": self.outer, "momenta": self.momenta}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` returns."""
        self.inner.copy_(state["inner"])
        self.outer.copy_(state["outer"])
        for momentum, stored in zip(self.momenta, state["momenta"], strict=True):
            momentum.copy_(stored)


def draw_parameters(
    settings: Mapping[str, Any], width: int, dimension: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the initial w (m x d), b (m) and a (m) of a network.

    Args:
        settings: `initialisation`, for each of w, b and a `uniform`, the bound U of [-U, U], or `normal`, the standard
            deviation, with a `mean`; and `antisymmetric`: whether the second half of the neurons repeats the first with
            -a, so that the network is 0 at first.
        width: m, the neurons; even where they are antisymmetric.
        dimension: d.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    drawn = width // 2 if settings["antisymmetric"] else width

    def draw(law: Mapping[str, float], *shape: int) -> np.ndarray:
        if "uniform" in law:
            return generator.uniform(-law["uniform"], law["uniform"], shape)
        return generator.normal(law.get("mean", 0), law["normal"], shape)

    laws = settings["initialisation"]
    w, b, a = draw(laws["w"], drawn, dimension), draw(laws["b"], drawn), draw(laws["a"], drawn)
    if settings["antisymmetric"]:
        return np.vstack([w, w]), np.concatenate([b, b]), np.concatenate([a, -a])
    return w, b, a


def initial_kernel(
    w: np.ndarray, b: np.ndarray, a: np.ndarray, points: np.ndarray, others: np.ndarray, *, with_w: bool = True
) -> np.ndarray:
    """Return `sum over all parameters of dh(x) dh(x')`, with which a wide network learns: n x d and N x d give n x N.

    Args:
        w: m x d, the input weights of the network.
        b: m, its biases.
        a: m, its output weights.
        points: x.
        others: x'.
        with_w: whether w is trained too; the linear frequency principle leaves its part out.
    """
    before, other = (np.asarray(part) @ w.T + b for part in (points, others))
    trained = np.ones((len(points), len(others)))
    if with_w:
        trained += points @ others.T
    both_active = ((before > 0) * a**2) @ (other > 0).T
    return np.maximum(before, 0) @ np.maximum(other, 0).T + trained * both_active


def kernel_solution(gram: np.ndarray, cross: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return `K(x, X) K(X, X)^-1 Y`, what gradient descent on a linearised network ends with.

    Args:
        gram: `K(X, X)`, n x n.
        cross: `K(x, X)`, N x n.
        values: Y, n.
    """
    return cross @ np.linalg.solve(gram, values)


def learning_rate(setting: float | Mapping[str, float], gram: np.ndarray) -> float:
    """Return a learning rate.

    Args:
        setting: the rate itself, or `{per_eigenvalue: s}`: s over the largest eigenvalue of the initial kernel. Errors
            of the linearised network fall with every step where s is below 1.
        gram: the kernel of the initial network at the points.
    """
    if isinstance(setting, Mapping):
        return setting["per_eigenvalue"] / float(np.linalg.eigvalsh(gram)[-1])
    return setting


def train_two_layer(
    networks: TwoLayerNetworks, points: np.ndarray, values: np.ndarray, rate: float, job: FitJob
) -> list[dict[str, Any]]:
    """Train networks by gradient descent, until the largest of their losses is below `loss_below` of the settings.

    Args:
        networks: trained in place.
        points: n x d.
        values: B x n.
        rate: of the learning.
        job: its settings say after how many `iterations` the training ends at the latest, how often the loss is
            recorded and compared: `record_every`, and what the `momentum` is, none unless given.

    Returns:
        The loss that was recorded, of B networks the largest.

    Raises:
        InputError: the loss is not finite.
        StoppedError: see `train_by_iterations`.
    """
    extended = networks.extend(points)
    targets = torch.as_tensor(values, dtype=torch.float64, device=extended.device)

    momentum = job.settings.get("momentum", 0)

    def step(iteration: int) -> Tensor:
        return networks.descend(extended, targets, rate, momentum).max()

    def measure(iteration: int) -> list[dict[str, Any]]:
        loss = float(((networks(points) - values) ** 2).sum(axis=1).max())
        if not math.isfinite(loss):
            raise InputError(
                f"the loss of {job.name} is not finite in iteration {iteration}: lower the learning rate (now {rate:g})"
            )
        return [quantity("loss", format_parameter(iteration=iteration), loss, len(points))]

    def is_over(rows: list[dict[str, Any]]) -> bool:
        return rows[0]["value"] < job.settings["loss_below"]

    return train_by_iterations({"networks": networks}, step, measure, job, is_over)
