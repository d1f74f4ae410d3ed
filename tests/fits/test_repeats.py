"""Networks that are trained as one, against each alone."""

import pytest
import torch

from filterfreq.fits.networks import build_network
from filterfreq.fits.repeats import Repeats

NETWORK = {"widths": [7, 5], "activation": "tanh"}


@pytest.mark.parametrize("shared", [True, False], ids=["the same inputs", "inputs of their own"])
def test_each_repeat_computes_what_its_network_does(shared):
    networks = [build_network(NETWORK, 2, 3, seed) for seed in range(4)]
    inputs = torch.rand((11, 2) if shared else (4, 11, 2))
    outputs = Repeats(networks)(inputs)
    for number, network in enumerate(networks):
        own = inputs if shared else inputs[number]
        torch.testing.assert_close(outputs[number], network(own), rtol=1e-5, atol=1e-6)


def test_the_gradient_of_a_sum_is_that_of_each_alone():
    networks = [build_network(NETWORK, 1, 1, seed) for seed in range(3)]
    inputs = torch.rand(9, 1)
    repeats = Repeats(networks)
    repeats(inputs).square().mean((1, 2)).sum().backward()
    for number, network in enumerate(networks):
        network(inputs).square().mean().backward()
        for layer, weight, bias in zip(network[::2], repeats.weights, repeats.biases, strict=True):
            torch.testing.assert_close(weight.grad[number], layer.weight.grad, rtol=1e-4, atol=1e-7)
            torch.testing.assert_close(bias.grad[number, 0], layer.bias.grad, rtol=1e-4, atol=1e-7)


def test_norms_are_largest_singular_values():
    networks = [build_network(NETWORK, 2, 1, seed) for seed in range(2)]
    norms = Repeats(networks).spectral_norms()
    assert [len(of_layer) for of_layer in norms] == [2, 2, 2]
    for layer in range(3):
        for number, network in enumerate(networks):
            weight = network[2 * layer].weight.detach().double()
            # The largest singular value is the root of the largest eigenvalue of W^T W.
            assert norms[layer][number].item() == pytest.approx(torch.linalg.eigvalsh(weight.T @ weight)[-1].sqrt())
    # For one output it is the Frobenius norm.
    assert norms[2][0].item() == pytest.approx(networks[0][-1].weight.double().norm().item())
