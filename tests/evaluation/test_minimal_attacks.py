import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.evaluation.minimal_attacks import keep_within, nearest_wrong_answers


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
    model[1].bias.data.copy_(-model[1].weight.data.sum(dim=1) / 2)
    return model.eval()


@pytest.fixture
def images():
    return torch.from_numpy(np.random.default_rng(0).uniform(0.3, 0.7, (8, 3, 4, 4))).float()


@pytest.mark.parametrize(
    ("attack", "settings", "excess"),
    # DeepFool goes on by its overshoot of 0.02; Carlini and Wagner's search ends near its bound.
    [("deepfool", {"steps": 5}, 0.05), ("carlini_wagner", {"searches": 9, "steps": 300}, 0.15)],
)
def test_the_nearest_wrong_answer_of_a_linear_model_is_across_its_hyperplane(model, images, attack, settings, excess):
    """The distance to it is the margin by the norm of the difference of the weights."""
    weight, logits = model[1].weight, model(images)
    labels = logits.argmax(dim=1)
    margins = (logits[:, 0] - logits[:, 1]).abs() / (weight[0] - weight[1]).norm()
    points = nearest_wrong_answers(attack, settings, model, images, labels)
    assert (model(points).argmax(dim=1) != labels).all()
    distances = (points - images).flatten(1).norm(dim=1)
    assert (distances >= margins.detach() - 1e-5).all()
    assert (distances <= (1 + excess) * margins.detach() + 1e-3).all()


def test_an_image_for_which_none_is_found_stays(images):
    class Constant(nn.Module):
        def forward(self, images):
            return torch.stack([1 + 0 * images.sum((1, 2, 3)), 0 * images.sum((1, 2, 3))], dim=1)

    labels = torch.zeros(8, dtype=torch.int64)
    for attack, settings in (("deepfool", {"steps": 2}), ("carlini_wagner", {"searches": 2, "steps": 3})):
        assert nearest_wrong_answers(attack, settings, Constant().eval(), images, labels).equal(images)


@pytest.mark.parametrize(("norm", "distance"), [("linf", 0.1), ("l2", 0.1 * 48**0.5)])
def test_points_outside_a_ball_are_none(images, norm, distance):
    points = images + 0.1
    assert keep_within(points, images, norm, distance * 1.001).equal(points)
    assert keep_within(points, images, norm, distance * 0.999).equal(images)
