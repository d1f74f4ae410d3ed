import math

import pytest
import torch

from filterfreq.training.optimization import make_optimizer, make_schedule

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


@pytest.mark.parametrize(("key", "make"), [("optimizer", make_optimizer), ("schedule", make_schedule)])
def test_unknown_names_are_refused(key, make):
    target = torch.nn.Linear(1, 1)
    if make is make_schedule:
        target = make_optimizer(target, SETTINGS)
    with pytest.raises(ValueError, match="nonsense"):
        make(target, {**SETTINGS, key: "nonsense"})
