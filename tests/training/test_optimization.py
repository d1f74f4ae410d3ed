import math

import pytest
import torch
from study_configs import choices

from filterfreq.training.optimization import (
    backward,
    is_second_order,
    make_optimizer,
    make_schedule,
    seed_draws,
)

# From the import of timm, which adahessian needs.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

SETTINGS = {"optimizer": "sgd", "learning_rate": 0.5, "weight_decay": 0.1, "schedule": "step", "epochs": 10}


def rates(settings: dict) -> list[float]:
    optimizer = make_optimizer(torch.nn.Linear(1, 1), settings)
    schedule = make_schedule(optimizer, settings)
    found = []
    for _ in range(settings["epochs"]):
        found.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return found


def test_step_schedule_follows_its_formula():
    settings = {**SETTINGS, "step_epochs": 3, "step_factor": 0.2}
    assert rates(settings) == pytest.approx([0.5 * 0.2 ** (epoch // 3) for epoch in range(10)])


def test_step_schedule_defaults_to_a_tenth_every_thirty_epochs():
    assert rates({**SETTINGS, "epochs": 61})[29:31] == pytest.approx([0.5, 0.05])
    assert rates({**SETTINGS, "epochs": 61})[60] == pytest.approx(0.005)


def test_cosine_schedule_follows_its_formula():
    expected = [0.5 * (1 + math.cos(math.pi * epoch / 10)) / 2 for epoch in range(10)]
    assert rates({**SETTINGS, "schedule": "cosine"}) == pytest.approx(expected)


def test_wide_step_schedule_follows_its_formula():
    expected = [0.5 * 0.2 ** (epoch // 60) for epoch in range(130)]
    assert rates({**SETTINGS, "schedule": "step_wide", "epochs": 130}) == pytest.approx(expected)


def test_frankle_step_schedule_falls_at_80_and_120():
    expected = [0.5] * 80 + [0.05] * 40 + [0.005] * 5
    assert rates({**SETTINGS, "schedule": "frankle_step", "epochs": 125}) == pytest.approx(expected)


def test_warmup_cosine_schedule_rises_in_a_line_and_falls_as_a_cosine():
    expected = [0.5 * (epoch + 1) / 6 for epoch in range(6)]
    expected += [0.25 * (1 + math.cos(math.pi * epoch / 14)) for epoch in range(14)]
    assert rates({**SETTINGS, "schedule": "warmup_cosine", "epochs": 20}) == pytest.approx(expected)


def test_warmup_cosine_of_few_epochs_is_a_cosine():
    settings = {**SETTINGS, "epochs": 3}
    assert rates({**settings, "schedule": "warmup_cosine"}) == pytest.approx(rates({**settings, "schedule": "cosine"}))


@pytest.mark.parametrize("name", choices("schedule"))
def test_a_schedule_goes_on_from_its_state(name):
    settings = {**SETTINGS, "schedule": name, "epochs": 130}
    optimizer = make_optimizer(torch.nn.Linear(1, 1), settings)
    schedule = make_schedule(optimizer, settings)
    for _ in range(100):
        optimizer.step()
        schedule.step()
    resumed_optimizer = make_optimizer(torch.nn.Linear(1, 1), settings)
    resumed = make_schedule(resumed_optimizer, settings)
    resumed_optimizer.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(schedule.state_dict())
    for _ in range(30):
        for one in (schedule, resumed):
            one.optimizer.step()
            one.step()
        assert resumed.get_last_lr() == schedule.get_last_lr()
        assert resumed_optimizer.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]


def test_sgd_step_is_nesterov_with_momentum():
    parameter = torch.nn.Linear(1, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        parameter.weight.fill_(2.0)
    optimizer = make_optimizer(parameter, SETTINGS)
    weight, velocity = 2.0, 0.0
    for gradient in (1.0, -0.3, 0.7):
        parameter.weight.grad = torch.full((1, 1), gradient, dtype=torch.float64)
        optimizer.step()
        decayed = gradient + 0.1 * weight
        velocity = 0.9 * velocity + decayed
        weight -= 0.5 * (decayed + 0.9 * velocity)
        assert parameter.weight.item() == pytest.approx(weight, rel=1e-12)


def test_adamw_decays_weights_apart_from_the_gradient():
    parameter = torch.nn.Linear(1, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        parameter.weight.fill_(2.0)
    parameter.weight.grad = torch.full((1, 1), 1e-3, dtype=torch.float64)
    make_optimizer(parameter, {**SETTINGS, "optimizer": "adamw"}).step()
    # The first step of Adam has length lr whatever the gradient's size (Kingma & Ba 2015); the decay comes on top.
    assert parameter.weight.item() == pytest.approx(2.0 * (1 - 0.5 * 0.1) - 0.5, rel=1e-4)


def one_weight(value: float = 2.0) -> torch.nn.Linear:
    layer = torch.nn.Linear(1, 1, bias=False, dtype=torch.float64)
    torch.nn.init.constant_(layer.weight, value)
    return layer


def weights_after(name: str, gradients: list[float]) -> list[float]:
    layer = one_weight()
    optimizer = make_optimizer(layer, {**SETTINGS, "optimizer": name})
    found = []
    for gradient in gradients:
        layer.weight.grad = torch.full((1, 1), gradient, dtype=torch.float64)
        optimizer.step()
        found.append(layer.weight.item())
    return found


def adaptive(name: str, gradients: list[float]) -> list[float]:
    """Adam (Kingma & Ba 2015), Adagrad (Duchi et al. 2011), RMSprop (Hinton 2012) and Adadelta (Zeiler 2012).

    Of one weight, with the decay in g.
    """
    weight, mean, square, steps, found = 2.0, 0.0, 0.0, 0.0, []
    for step, gradient in enumerate(gradients, 1):
        g = gradient + 0.1 * weight
        match name:
            case "adam":
                mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
                weight -= 0.5 * mean / (1 - 0.9**step) / (math.sqrt(square / (1 - 0.999**step)) + 1e-8)
            case "adagrad":
                square += g**2
                weight -= 0.5 * g / (math.sqrt(square) + 1e-10)
            case "rmsprop":
                square = 0.99 * square + 0.01 * g**2
                weight -= 0.5 * g / (math.sqrt(square) + 1e-8)
            case "adadelta":
                square = 0.9 * square + 0.1 * g**2
                change = math.sqrt(steps + 1e-6) / math.sqrt(square + 1e-6) * g
                steps = 0.9 * steps + 0.1 * change**2
                weight -= 0.5 * change
        found.append(weight)
    return found


@pytest.mark.parametrize("name", ["adam", "adagrad", "rmsprop", "adadelta"])
def test_adaptive_optimizers_follow_their_formulas(name):
    gradients = [1.0, -0.3, 0.7]
    assert weights_after(name, gradients) == pytest.approx(adaptive(name, gradients), rel=1e-9)


def test_adahessian_follows_its_formula():
    """Yao et al. 2021, algorithm 1, on a diagonal quadratic, whose Hessian every Hutchinson draw finds exactly."""
    curvature = torch.tensor([[0.5, 4.0, 1.0]], dtype=torch.float64)
    layer = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64)
    torch.nn.init.constant_(layer.weight, 2.0)
    optimizer = make_optimizer(layer, {**SETTINGS, "optimizer": "adahessian"})
    weight = layer.weight.detach().clone()
    mean = square = torch.zeros(1, 3, dtype=torch.float64)
    for step in range(1, 4):
        optimizer.zero_grad()
        backward((curvature * layer.weight**2 / 2).sum(), optimizer)
        optimizer.step()
        mean = 0.9 * mean + 0.1 * curvature * weight
        square = 0.999 * square + 0.001 * curvature**2
        update = mean / (1 - 0.9**step) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
        weight = weight * (1 - 0.5 * 0.1) - 0.5 * update
        torch.testing.assert_close(layer.weight.detach(), weight, rtol=1e-7, atol=0)


def test_adahessian_averages_over_the_kernel():
    layer = torch.nn.Conv2d(1, 1, 2, bias=False, dtype=torch.float64)
    curvature = torch.tensor([[1.0, 2.0], [3.0, 6.0]], dtype=torch.float64)
    optimizer = make_optimizer(layer, {**SETTINGS, "optimizer": "adahessian"})
    backward((curvature * layer.weight**2 / 2).sum(), optimizer)
    optimizer.step()
    square = optimizer.state[layer.weight]["exp_hessian_diag_sq"]
    torch.testing.assert_close(square, torch.full((1, 1, 2, 2), 0.001 * 3.0**2, dtype=torch.float64))


def test_every_step_of_adahessian_begins_as_the_first():
    """In the order in memory too: it decides on the order of the sums over a kernel, and so on their last bit."""
    layer = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    images = torch.rand(2, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    optimizer = make_optimizer(layer, {**SETTINGS, "optimizer": "adahessian"})
    strides, estimate = [], optimizer.set_hessian

    def noted() -> None:
        estimate()
        strides.append(layer.weight.hess.stride())

    optimizer.set_hessian = noted
    for _ in range(3):
        optimizer.zero_grad()
        backward(layer(images).square().sum(), optimizer)
        optimizer.step()
    assert strides == [strides[0]] * 3


def test_seeded_draws_are_the_same_again_and_others_for_another_seed():
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(0)
        layer = torch.nn.Linear(6, 6)
        optimizer = make_optimizer(layer, {**SETTINGS, "optimizer": "adahessian"})
        seed_draws(optimizer, seed)
        backward(layer(torch.ones(1, 6)).square().sum(), optimizer)
        optimizer.step()
        found.append(layer.weight.detach().clone())
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("name", choices("optimizer"))
def test_gradients_add_up_unless_they_are_differentiated_again(name):
    layer = one_weight()
    optimizer = make_optimizer(layer, {**SETTINGS, "optimizer": name})
    for _ in range(2):
        backward((layer.weight**2).sum(), optimizer)
    assert layer.weight.grad.item() == (4.0 if is_second_order(optimizer) else 8.0)
    assert layer.weight.grad.requires_grad == is_second_order(optimizer)


@pytest.mark.parametrize(("key", "make"), [("optimizer", make_optimizer), ("schedule", make_schedule)])
def test_unknown_names_are_refused(key, make):
    target = torch.nn.Linear(1, 1)
    if make is make_schedule:
        target = make_optimizer(target, SETTINGS)
    with pytest.raises(ValueError, match="nonsense"):
        make(target, {**SETTINGS, key: "nonsense"})
