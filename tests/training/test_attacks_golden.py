"""FGSM, PGD and free training against what the released code of convolutional normalisation computes, in float64."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from filterfreq.training import attacks
from filterfreq.training.intervention import Attack, interventions_of

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "convolutional_normalization.npz"
MEAN, STD = [0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]
EPSILON = 8 / 255
check = partial(torch.testing.assert_close, rtol=1e-10, atol=1e-10)


@pytest.fixture(scope="module")
def golden():
    if not GOLDEN.is_file():
        pytest.skip("the golden values are not at ../shared/golden")
    with np.load(GOLDEN) as arrays:
        found = {name: torch.from_numpy(arrays[name]) for name in arrays if name.startswith(("attack_", "free_"))}
    return found | {"images": found["attack_x_uint8"].double() / 255}


class Tiny(nn.Module):
    """The network of the golden values, on images in [0, 1]."""

    def __init__(self, golden):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(3, 4, 3, padding=1).double(), nn.Linear(64, 10).double()
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.copy_(golden[f"attack_{name.replace('.', '_')}"])

    def forward(self, images):
        mean, std = (torch.tensor(values, dtype=torch.float64).view(3, 1, 1) for values in (MEAN, STD))
        return self.linear(F.avg_pool2d(self.conv((images - mean) / std).relu(), 8).flatten(1))


def test_fgsm(golden):
    model, images = Tiny(golden), golden["images"]
    adversarial = attacks.attack_images({"attack": "fgsm", "norm": "linf"}, model, images, golden["attack_y"], EPSILON)
    check(adversarial - images, golden["attack_fgsm"])
    check(model(adversarial), golden["attack_fgsm_logits"])


def test_pgd(golden, monkeypatch):
    """From the start that was drawn there; a step of 2/255 is a quarter of the radius."""
    monkeypatch.setattr(attacks, "_random_point", lambda *_: golden["attack_pgd_start"])
    model, images = Tiny(golden), golden["images"]
    settings = {"attack": "pgd", "norm": "linf", "steps": 10, "relative_step_size": 0.25}
    adversarial = attacks.attack_images(settings, model, images, golden["attack_y"], EPSILON)
    check(adversarial - images, golden["attack_pgd"])
    check(model(adversarial), golden["attack_pgd_logits"])


def test_free_training_as_released(golden):
    """Two batches of two images, each four times, with the intervention's functions in the loop's order."""
    model, images, labels = Tiny(golden), golden["images"], golden["attack_y"]
    settings = {"attack": "free", "norm": "linf", "epsilon": "8/255", "replays": 4, "free_protocol": "liu2021"}
    free = interventions_of({"adversarial_training": settings})["adversarial_training"]
    use = Attack(classifier=model, logits=model, generator=None, share=None)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=1e-4)
    losses = torch.empty(2, 4, dtype=torch.float64)
    for number, batch in enumerate((slice(0, 2), slice(2, 4))):
        for replay in range(4):
            shown = free.attack(images[batch], labels[batch], use)
            start = shown.detach()
            # What is shown is the image moved by the noise of the replay before, zero at first.
            before = golden["free_noise_over_eps"][number, replay - 1].double() if replay else torch.zeros_like(start)
            check(start, (images[batch] + EPSILON * before).clamp(0, 1))
            loss = F.cross_entropy(model(shown), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            free.after_backward(shown)
            optimizer.step()
            losses[number, replay] = loss.detach()
    check(losses, golden["free_loss"])
    for name, parameter in model.named_parameters():
        check(parameter.detach(), golden[f"free_final_{name.replace('.', '_')}"])
    assert free.save_state is None
