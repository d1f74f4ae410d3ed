import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from filterfreq.evaluation.adaptive_attacks import (
    LOSSES,
    apgd,
    cross_entropy,
    margin,
    mean_gradient,
    noise,
    pgd,
    square,
)

NORMS = {"linf": np.inf, "l2": 2}


def images_of(n: int) -> torch.Tensor:
    return torch.rand((n, 3, 8, 8), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 4)).requires_grad_(False)


def lengths(points: torch.Tensor, images: torch.Tensor, norm: str) -> np.ndarray:
    return np.linalg.norm((points - images).flatten(1).double().numpy(), NORMS[norm], axis=1)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ["pgd", "apgd", "square", "noise"])
def test_points_stay_in_the_ball_and_in_the_range_of_pixels(model, name, norm):
    images, labels = images_of(6), torch.arange(6) % 4
    generator = torch.Generator().manual_seed(1)
    points = {
        "pgd": lambda: pgd(model, images, labels, norm, 0.1, 5, margin, 1, generator),
        "apgd": lambda: apgd(model, images, labels, norm, 0.1, 5, "ce", 1, 1),
        "square": lambda: square(model, images, labels, norm, 0.1, 30, 0.3, 1),
        "noise": lambda: noise(model, images, labels, norm, 0.1, 3, generator),
    }[name]()
    assert points.shape == images.shape
    assert points.min() >= 0
    assert points.max() <= 1
    assert lengths(points, images, norm).max() <= 0.1 + 1e-5
    assert lengths(points, images, norm).min() > 0.01


def test_fgsm_is_one_step_along_the_sign(model):
    images, labels = images_of(3), torch.tensor([0, 1, 2])
    labels = model(images).argmax(dim=1)
    inputs = images.clone().requires_grad_()
    F.cross_entropy(model(inputs), labels).backward()
    expected = (images + 1e-4 * inputs.grad.sign()).clamp(0, 1)
    torch.testing.assert_close(pgd(model, images, labels, "linf", 1e-4, 1, cross_entropy, 1, None), expected)


def test_the_losses_by_hand():
    logits = torch.tensor([[2.0, 1.0, -1.0], [0.0, 3.0, 5.0]])
    labels = torch.tensor([0, 1])
    assert margin(logits.log_softmax(1), labels).tolist() == pytest.approx([-1, 2], abs=1e-6)
    expected = -np.log(np.exp([2, 3]) / [np.exp([2, 1, -1]).sum(), np.exp([0, 3, 5]).sum()])
    assert cross_entropy(logits.log_softmax(1), labels).tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_gradient_over_many_draws_is_that_of_the_mean_loss(loss):
    """Of a linear model with noise on its images the mean over the noise is an integral in one number."""
    torch.manual_seed(0)
    weight = torch.randn(2, 12) / 3

    class NoisyLinear(nn.Module):
        def forward(self, images):
            return (images.flatten(1) + 0.8 * torch.randn(images.flatten(1).shape)) @ weight.T

    images, labels = torch.rand(1, 3, 2, 2), torch.tensor([1])
    difference = (weight[0] - weight[1]).double()
    centre = float((images.flatten().double() * difference).sum())
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    slope = {"ce": 1 / (1 + np.exp(-(centre + 0.8 * float(difference.norm()) * nodes))), "margin": np.ones(80)}[loss]
    expected = float((weights * slope).sum() / weights.sum()) * difference

    def error(draws: int) -> float:
        found, _, _ = mean_gradient(NoisyLinear(), images, labels, LOSSES[loss], draws)
        return float((found.flatten().double() - expected).norm() / expected.norm())

    assert error(4000) < 0.03
    # The fewer, the farther: it is not the gradient without noise that is found.
    if loss == "ce":
        assert np.mean([error(2) for _ in range(20)]) > 3 * error(4000)


def test_pgd_returns_the_worst_point_of_its_way_and_not_the_last():
    """A loss with a peak inside the ball, which long steps jump over."""

    class Peaked(nn.Module):
        def forward(self, images):
            height = -100 * (images.mean(dim=(1, 2, 3)) - 0.53) ** 2
            return torch.stack([1 + torch.zeros_like(height), height], dim=1)

    images, labels = torch.full((1, 3, 4, 4), 0.5), torch.tensor([0])
    point = pgd(Peaked(), images, labels, "linf", 0.1, 4, margin, 1, None)
    visited = [0.5, 0.5625, 0.5, 0.5625, 0.5]
    assert point.mean() == pytest.approx(min(visited, key=lambda value: abs(value - 0.53)), abs=1e-5)


class Coin(nn.Module):
    """Tells bright images from dark ones, with normal noise on one of its logits."""

    is_stochastic = True

    def __init__(self, scale):
        super().__init__()
        self.scale, self.calls, self.generator = scale, 0, torch.Generator().manual_seed(0)

    def forward(self, images):
        self.calls += 1
        noise = self.scale * torch.randn(len(images), generator=self.generator)
        return torch.stack([images.mean((1, 2, 3)) * 200, 100 + noise], dim=1)


def square_on(model, queries, draws):
    images, labels = torch.full((4, 3, 8, 8), 0.6), torch.zeros(4, dtype=torch.int64)
    return square(model, images, labels, "linf", 0.1, queries, 0.3, 1, draws).mean()


def test_square_over_draws_accepts_a_step_by_the_mean():
    """The less noise on the loss, the darker the images become; a single query has the most."""
    one, twenty, noiseless = square_on(Coin(1), 300, None), square_on(Coin(1), 300, 20), square_on(Coin(0), 300, None)
    assert noiseless < twenty - 0.01 < one - 0.02


def test_square_over_draws_takes_no_single_draw_for_a_success():
    one, twenty = Coin(30), Coin(30)
    square_on(one, 60, None)
    square_on(twenty, 60, 20)
    assert one.calls < 61
    assert twenty.calls == 61 * 20


def test_the_packages_draws_leave_torchs_alone(model):
    images, labels = images_of(4), torch.tensor([0, 1, 2, 3])
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = apgd(model, images, labels, "linf", 0.05, 5, "margin", 1, 9)
    second = apgd(model, images, labels, "linf", 0.05, 5, "margin", 1, 9)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert torch.equal(before, torch.random.get_rng_state())


def test_noise_takes_the_worst_of_its_tries(model):
    images = images_of(20)
    labels = model(images).argmax(dim=1)
    losses = [
        margin(model(noise(model, images, labels, "linf", 0.2, tries, torch.Generator().manual_seed(2))), labels)
        for tries in (1, 50)
    ]
    assert (losses[1] >= losses[0] - 1e-6).all()
    assert losses[1].mean() > losses[0].mean() + 0.01
