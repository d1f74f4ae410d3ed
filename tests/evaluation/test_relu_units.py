import pytest
import torch
import torch.nn.functional as F
from torch import nn

from filterfreq.evaluation.relu_units import crossed_units
from filterfreq.models.registry import build
from filterfreq.runtime.errors import InputError


def points(*pairs):
    """Images of two pixels."""
    return torch.tensor(pairs).view(-1, 1, 1, 2)


@pytest.fixture
def hyperplanes():
    """Units above 0 where x > 0.25, x > 0.5, y > 0.5, and x + y > 1."""
    layer = nn.Linear(2, 4)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
        layer.bias.copy_(torch.tensor([-0.25, -0.5, -0.5, -1.0]))
    return nn.Sequential(nn.Flatten(), layer, nn.ReLU(inplace=True), nn.Linear(4, 3))


def test_a_unit_is_crossed_where_its_hyperplane_lies_between(hyperplanes):
    starts = points([0.1, 0.1], [0.4, 0.4], [0.9, 0.9])
    ends = [points([0.3, 0.1], [0.4, 0.45], [0.1, 0.1]), points([0.6, 0.6], [0.55, 0.47], [0.9, 0.9])]
    crossed, units = crossed_units(hyperplanes, starts, ends)
    assert crossed.tolist() == [[1, 0, 4], [4, 2, 0]]
    assert units == 4


def test_signs_of_the_second_layer_count_too(hyperplanes):
    """One unit there, above 0 where relu(x - 0.25) + relu(x - 0.5) > 0.2."""
    second = nn.Linear(4, 1)
    with torch.no_grad():
        second.weight.copy_(torch.tensor([[1.0, 1.0, 0.0, 0.0]]))
        second.bias.fill_(-0.2)
    network = nn.Sequential(*hyperplanes[:3], second, nn.ReLU())
    crossed, units = crossed_units(network, points([0.3, 0.1], [0.3, 0.1]), [points([0.44, 0.1], [0.46, 0.1])])
    assert crossed.tolist() == [[0, 1]]
    assert units == 5


class EveryWay(nn.Module):
    """Calls ReLU in each way that there is, on 12 values, and other activations."""

    def __init__(self):
        super().__init__()
        self.used_twice, self.overwriting = nn.ReLU(), nn.ReLU(inplace=True)

    def forward(self, images):
        calls = [
            *(self.used_twice, self.used_twice, self.overwriting, F.relu, lambda x: F.relu(x, inplace=True)),
            *(lambda x: F.relu(input=x), torch.relu, torch.relu_, F.relu_, torch.Tensor.relu, lambda x: x.relu_()),
        ]
        for call in calls:
            images = F.leaky_relu(F.max_pool2d(call(images - 0.5), 1)) + 0.5
        return images


def test_every_way_of_calling_relu_counts_once():
    starts = torch.full((2, 3, 2, 2), 0.4)
    ends = torch.full((2, 3, 2, 2), 0.6)
    crossed, units = crossed_units(EveryWay(), starts, [ends, starts])
    assert units == 11 * 12
    assert crossed.tolist() == [[132, 132], [0, 0]]


@pytest.mark.parametrize(("name", "units"), [("lenet", 6 * 28**2 + 16 * 10**2 + 120 + 84), ("resnet_8_2", None)])
def test_units_of_a_network_are_those_of_one_image(name, units):
    network = build(name, 10).eval()
    for count in (1, 3):
        images = torch.rand(count, 3, 32, 32)
        crossed, found = crossed_units(network, images, [images])
        assert crossed.tolist() == [[0] * count]
        assert found == (units or found) > 0
        units = found


def test_a_model_without_relu_is_refused():
    with pytest.raises(InputError, match=r"regions: the model calls no ReLU that can be counted"):
        crossed_units(nn.Sequential(nn.Flatten(), nn.Linear(2, 2), nn.GELU()), points([0.1, 0.1]), [points([1.0, 1.0])])


def test_what_comes_after_is_not_counted(hyperplanes):
    crossed, units = crossed_units(hyperplanes, points([0.1, 0.1]), [points([0.9, 0.1])])
    hyperplanes(points([0.1, 0.1]))
    assert (crossed.tolist(), units) == ([[2]], 4)
