import numpy as np
import pytest
import scipy.stats
import torch
from torch import nn

from filterfreq.runtime.errors import InputError
from filterfreq.training.attacks import attack_images, check_attack, fgsm, pgd
from filterfreq.training.interventions.adversarial_training import FreePerturbation

SHAPE = (3, 4, 4)


@pytest.fixture
def linear() -> nn.Module:
    """Two classes: the loss of label y grows along w[1 - y] - w[y] everywhere, so attacks have closed forms."""
    generator = torch.Generator().manual_seed(0)
    layer = nn.Linear(48, 2, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(0.1 * torch.randn(2, 48, generator=generator))
        layer.bias.zero_()
    return nn.Sequential(nn.Flatten(), layer)


@pytest.fixture
def convolutional() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(128, 5)
    )


@pytest.fixture
def images() -> torch.Tensor:
    """Images well inside [0, 1], so that clipping plays no part."""
    return 0.3 + 0.4 * torch.rand((6, *SHAPE), generator=torch.Generator().manual_seed(1), dtype=torch.float64)


LABELS = torch.tensor([0, 1, 0, 1, 1, 0])


def ascent(model: nn.Module) -> torch.Tensor:
    weight = model[1].weight.detach()
    return (weight[1 - LABELS] - weight[LABELS]).reshape(6, *SHAPE)


def norms(offset: torch.Tensor, norm: str) -> torch.Tensor:
    return torch.linalg.vector_norm(offset.flatten(1), {"linf": torch.inf, "l2": 2}[norm], dim=1)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_fgsm_of_a_linear_model_has_its_closed_form(linear, images, norm):
    direction = ascent(linear)
    expected = {"linf": direction.sign(), "l2": direction / norms(direction, "l2").view(-1, 1, 1, 1)}[norm]
    torch.testing.assert_close(fgsm(linear, images, LABELS, 0.05, norm), images + 0.05 * expected, rtol=0, atol=1e-12)


def test_fgsm_clips_to_the_range_of_images(linear):
    images = torch.rand((6, *SHAPE), generator=torch.Generator().manual_seed(2), dtype=torch.float64).round()
    expected = (images + 0.05 * ascent(linear).sign()).clamp(0, 1)
    torch.testing.assert_close(fgsm(linear, images, LABELS, 0.05), expected, rtol=0, atol=1e-12)


def test_pgd_linf_reaches_the_best_corner_of_a_linear_model_from_any_start(linear, images):
    adversarial = pgd(linear, images, LABELS, 0.05, 10, 0.0125, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(adversarial, images + 0.05 * ascent(linear).sign(), rtol=0, atol=1e-12)


def test_pgd_l2_reaches_the_best_point_of_a_linear_model(linear, images):
    direction = ascent(linear)
    expected = images + 0.5 * direction / norms(direction, "l2").view(-1, 1, 1, 1)
    straight = pgd(linear, images, LABELS, 0.5, 10, 0.2, "l2", random_start=False)
    torch.testing.assert_close(straight, expected, rtol=0, atol=1e-12)
    started = pgd(linear, images, LABELS, 0.5, 100, 0.2, "l2", generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(started, expected, rtol=0, atol=1e-9)


def test_fgsm_with_random_start_steps_past_epsilon_and_is_projected(linear, images):
    generator = torch.Generator()
    start = pgd(linear, images, LABELS, 0.05, 1, 0, generator=generator.manual_seed(3))
    adversarial = fgsm(linear, images, LABELS, 0.05, random_start=True, generator=generator.manual_seed(3))
    expected = (start + 1.25 * 0.05 * ascent(linear).sign()).clamp(images - 0.05, images + 0.05)
    torch.testing.assert_close(adversarial, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("random_start", [True, False])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_attacks_stay_in_the_ball_and_the_box(convolutional, norm, random_start):
    images = torch.rand((16, *SHAPE), generator=torch.Generator().manual_seed(0)).mul(1.6).sub(0.3).clamp(0, 1)
    labels = torch.arange(16) % 5
    for adversarial in (
        pgd(convolutional, images, labels, 0.3, 5, 0.2, norm, random_start),
        fgsm(convolutional, images, labels, 0.3, norm, random_start),
    ):
        assert norms(adversarial - images, norm).max() <= 0.3 * (1 + 1e-6)
        assert norms(adversarial - images, norm).max() > 0.2
        assert adversarial.min() >= 0
        assert adversarial.max() <= 1
        assert adversarial.dtype == torch.float32
        assert not adversarial.requires_grad


def test_the_linf_start_is_uniform_in_the_cube(linear):
    images = torch.full((200, *SHAPE), 0.5, dtype=torch.float64)
    labels = torch.zeros(200, dtype=torch.int64)
    start = pgd(linear, images, labels, 0.1, 1, 0, generator=torch.Generator().manual_seed(0))
    assert scipy.stats.kstest((start - images).flatten(), scipy.stats.uniform(-0.1, 0.2).cdf).pvalue > 0.01


def test_the_l2_start_is_uniform_in_the_ball():
    images = torch.full((2000, 1, 2, 2), 0.5, dtype=torch.float64)
    labels = torch.zeros(2000, dtype=torch.int64)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, dtype=torch.float64))
    offset = pgd(model, images, labels, 0.1, 1, 0, "l2", generator=torch.Generator().manual_seed(0)) - images
    # In 4 dimensions the volume within a radius grows with its fourth power, and a coordinate of a point on the
    # sphere has the density of a Beta(3/2, 3/2) on [-1, 1].
    assert scipy.stats.kstest((norms(offset, "l2") / 0.1) ** 4, "uniform").pvalue > 0.01
    coordinate = offset[:, 0, 0, 0] / norms(offset, "l2")
    assert scipy.stats.kstest(coordinate, scipy.stats.beta(1.5, 1.5, loc=-1, scale=2).cdf).pvalue > 0.01


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_epsilon_zero_returns_the_images(convolutional, norm):
    images = torch.rand((4, *SHAPE), generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(4, dtype=torch.int64)
    assert torch.equal(fgsm(convolutional, images, labels, 0, norm), images)
    assert torch.equal(pgd(convolutional, images, labels, 0, 3, 0.1, norm), images)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_generator_fixes_the_attack_and_leaves_the_global_one_alone(convolutional, images, norm):
    convolutional.eval().double()

    def attack(seed: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        return pgd(convolutional, images, LABELS, 0.1, 3, 0.01, norm, generator=generator)

    state = torch.random.get_rng_state()
    first = attack(0)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(attack(0), first)
    assert not torch.equal(attack(1), first)


def test_without_generator_the_global_one_decides(convolutional, images):
    convolutional.eval().double()
    attacks = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        attacks.append(pgd(convolutional, images, LABELS, 0.1, 2, 0.01))
    assert torch.equal(attacks[0], attacks[1])
    assert not torch.equal(attacks[0], attacks[2])


@pytest.mark.parametrize("training", [True, False])
def test_mode_and_gradients_of_the_model_are_left_alone(convolutional, images, training):
    convolutional.double().train(training)
    parameters = list(convolutional.parameters())
    parameters[0].grad = torch.ones_like(parameters[0])
    with torch.no_grad():
        fgsm(convolutional, images, LABELS, 0.1)
        pgd(convolutional, images, LABELS, 0.1, 2, 0.05)
    assert all(module.training is training for module in convolutional.modules())
    assert torch.equal(parameters[0].grad, torch.ones_like(parameters[0]))
    assert all(parameter.grad is None and parameter.requires_grad for parameter in parameters[1:])
    assert not images.requires_grad


def test_the_l2_step_keeps_its_length_where_gradients_nearly_vanish():
    """Squares of float32 gradients around 1e-27 are zero: only a careful norm can still tell their length."""
    images = torch.full((1, *SHAPE), 0.5)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    with torch.no_grad():
        model[1].weight.copy_(torch.stack([torch.zeros(48), torch.linspace(0, 0.1, 48)]))
        model[1].bias.copy_(torch.tensor([60.0, 0.0]))
    adversarial = pgd(model, images, torch.tensor([0]), 0.25, 1, 0.1, "l2", random_start=False)
    assert norms(adversarial - images, "l2").item() == pytest.approx(0.1, rel=1e-5)


class Rugged(nn.Module):
    """A loss with so many hills that the end of a path tells all its steps."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        waves = torch.sin(100 * images).flatten(1)
        return torch.stack([waves[:, :24].sum(1), waves[:, 24:].sum(1)], dim=1)


@pytest.mark.parametrize(("options", "step_size"), [({}, 0.1), ({"relative_step_size": 0.25}, 0.05)])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_attack_images_reads_a_config_of_pgd(images, norm, options, step_size):
    generator = torch.Generator()
    config = {"attack": "pgd", "norm": norm, "steps": 5, **options}
    torch.testing.assert_close(
        attack_images(config, Rugged(), images, LABELS, 0.2, generator.manual_seed(0)),
        pgd(Rugged(), images, LABELS, 0.2, 5, step_size, norm, generator=generator.manual_seed(0)),
    )


def test_attack_images_reads_a_config_of_fgsm(images):
    adversarial = attack_images({"attack": "fgsm", "norm": "l2"}, Rugged(), images, LABELS, 0.2)
    assert torch.equal(adversarial, fgsm(Rugged(), images, LABELS, 0.2, "l2"))


def test_the_config_chooses_where_an_attack_starts(images):
    generator = torch.Generator()
    config = {"attack": "fgsm", "norm": "linf", "random_start": True}
    assert torch.equal(
        attack_images(config, Rugged(), images, LABELS, 0.2, generator.manual_seed(0)),
        fgsm(Rugged(), images, LABELS, 0.2, random_start=True, generator=generator.manual_seed(0)),
    )
    config = {"attack": "pgd", "norm": "linf", "steps": 5, "random_start": False}
    assert torch.equal(
        attack_images(config, Rugged(), images, LABELS, 0.2),
        pgd(Rugged(), images, LABELS, 0.2, 5, 0.1, random_start=False),
    )


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_free_perturbation_follows_its_algorithm(linear, images, norm):
    """Of a linear model every step has the same direction: one step reaches the ball, the next stays there."""
    direction = ascent(linear)
    direction = {"linf": direction.sign(), "l2": direction / norms(direction, "l2").view(-1, 1, 1, 1)}[norm]
    free = FreePerturbation(0.05, norm)
    for expected in (0 * direction, 0.05 * direction, 0.05 * direction):
        shown = free.apply(images)
        torch.testing.assert_close(shown.detach(), images + expected, rtol=0, atol=1e-12)
        nn.functional.cross_entropy(linear(shown), LABELS).backward()
        free.update(shown.grad)
    free.update(-shown.grad)
    torch.testing.assert_close(free.offset, 0 * direction, rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_free_perturbation_moves_along_its_own_gradient(linear, norm):
    """That of the loss by the perturbation, through the clipping, as autograd has it."""
    generator = torch.Generator().manual_seed(2)
    images = torch.rand((6, *SHAPE), generator=generator, dtype=torch.float64).round(decimals=1)
    free = FreePerturbation(0.2, norm)
    offset = torch.zeros_like(images)
    # The last step goes back, but not where pixels are clipped.
    for labels in (LABELS, LABELS, 1 - LABELS):
        shown = free.apply(images)
        nn.functional.cross_entropy(linear(shown), labels).backward()
        free.update(shown.grad)
        leaf = offset.clone().requires_grad_()
        nn.functional.cross_entropy(linear((images + leaf).clamp(0, 1)), labels).backward()
        step = leaf.grad.sign() if norm == "linf" else leaf.grad / norms(leaf.grad, "l2").view(-1, 1, 1, 1)
        offset = offset + 0.2 * step
        shrunk = 0.2 / norms(offset, "l2").clamp_min(0.2).view(-1, 1, 1, 1)
        offset = offset.clamp(-0.2, 0.2) if norm == "linf" else offset * shrunk
        torch.testing.assert_close(free.offset, offset, rtol=0, atol=1e-12)
    assert ((images + offset < 0) | (images + offset > 1)).any()


def test_the_free_perturbation_of_a_small_batch_leaves_the_other_rows(images):
    free = FreePerturbation(0.05, "linf")
    free.apply(images)
    free.update(torch.ones_like(images))
    free.apply(images[:2])
    free.update(-torch.ones_like(images[:2]))
    assert torch.equal(free.offset[:2], torch.zeros_like(images[:2]))
    assert (free.offset[2:] == 0.05).all()
    assert free.apply(torch.ones_like(images)).max() == 1


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"attack": "pdg", "norm": "linf"}, "'pdg'"),
        ({"norm": "linf"}, "attack None"),
        ({"attack": "fgsm", "norm": "l1"}, "'l1'"),
        ({"attack": "pgd", "norm": "linf"}, "steps"),
        ({"attack": "pgd", "norm": "linf", "steps": 0}, "steps"),
    ],
)
def test_a_wrong_config_is_refused_by_name(config, named):
    with pytest.raises(InputError, match=named):
        check_attack(config)


@pytest.mark.parametrize(
    "settings",
    [{"norm": "l1"}, {"epsilon": -0.1}, {"steps": 0}, {"step_size": -1}],
    ids=lambda value: next(iter(value)),
)
def test_settings_that_cannot_run_are_refused(linear, images, settings):
    with pytest.raises(InputError):
        pgd(linear, images, LABELS, **{"epsilon": 0.1, "steps": 1, "step_size": 0.1, **settings})


def test_on_a_real_ball_pgd_is_at_least_as_strong_as_fgsm(convolutional):
    convolutional.eval()
    images = torch.rand((64, *SHAPE), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        labels = convolutional(images).argmax(1)

    def loss(adversarial: torch.Tensor) -> np.ndarray:
        with torch.no_grad():
            return nn.functional.cross_entropy(convolutional(adversarial), labels).item()

    weak = fgsm(convolutional, images, labels, 0.1)
    strong = pgd(convolutional, images, labels, 0.1, 20, 0.0125, generator=torch.Generator().manual_seed(0))
    assert loss(images) < loss(weak) <= loss(strong)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_chosen_images_start_where_they_do_among_all(norm):
    images, labels = (
        torch.rand(6, 3, 4, 4, generator=torch.Generator().manual_seed(0)),
        torch.zeros(6, dtype=torch.int64),
    )
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 3))
    chosen = torch.tensor([False, True, False, True, True, False])
    # A step of length zero leaves the random start.
    every, some = (
        pgd(model, images, labels, 0.1, 1, 0.0, norm, generator=torch.Generator().manual_seed(1), chosen=choice)
        for choice in (None, chosen)
    )
    assert torch.equal(some, every[chosen])
    assert not torch.equal(some, images[chosen])
