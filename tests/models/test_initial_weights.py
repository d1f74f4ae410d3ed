import math

import pytest
import torch
from torch import nn

from filterfreq.models.initial_weights import initialise_weights
from filterfreq.models.registry import build
from filterfreq.models.surgery.composition import compose
from filterfreq.models.surgery.decomposition import decompose
from filterfreq.runtime.errors import InputError


def layers():
    return nn.Sequential(nn.Conv2d(32, 64, 3), nn.Conv2d(64, 64, 5, groups=2), nn.Linear(300, 500), nn.BatchNorm2d(3))


# Inputs and outputs of one weight's unit, by its definition; of a group, its own inputs.
FANS = [(32 * 9, 64 * 9), (32 * 25, 64 * 25), (300, 500)]


@pytest.mark.parametrize(
    ("method", "variance"),
    [("xavier", lambda fan_in, fan_out: 2 / (fan_in + fan_out)), ("kaiming", lambda fan_in, _: 2 / fan_in)],
)
def test_variances_are_the_papers(method, variance):
    torch.manual_seed(0)
    model = initialise_weights(layers(), method)
    for layer, fans in zip(model[:3], FANS, strict=True):
        weight = layer.weight.detach().double()
        assert weight.var().item() == pytest.approx(variance(*fans), rel=0.03)
        assert abs(weight.mean().item()) < 4 * math.sqrt(variance(*fans) / weight.numel())
        assert not layer.bias.any()
        bounded = weight.abs().max() <= math.sqrt(6 / sum(fans))
        assert bounded == (method == "xavier")
    assert model[3].weight.tolist() == [1, 1, 1]


@pytest.mark.parametrize("method", ["xavier", "kaiming"])
def test_a_decomposed_network_starts_from_the_same_filters(method):
    networks = []
    for make in (lambda: build("resnet_8_4", 10), lambda: decompose(build("resnet_8_4", 10), "weight")):
        network = make()
        torch.manual_seed(5)
        networks.append(compose(initialise_weights(network, method)).state_dict())
    plain, decomposed = networks
    for name, tensor in plain.items():
        torch.testing.assert_close(decomposed[name], tensor, rtol=0, atol=1e-6)


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match="unknown initialisation 'xavir': did you mean 'xavier'"):
        initialise_weights(nn.Linear(1, 1), "xavir")
