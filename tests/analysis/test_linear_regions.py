import numpy as np
import pytest

from filterfreq.analysis.linear_regions import (
    ReluNet,
    changed_signs,
    pre_activations,
    random_relu_net,
    segment_crossings,
)

# Layer 1 is 0 at x = 1 and at y = 2; layer 2 is relu(x - 1) - relu(y - 2) - 1.
KNOWN = ReluNet(
    (np.array([[1.0, 0], [0, 1]]), np.array([[1.0, -1]])),
    (np.array([-1.0, -2]), np.array([-1.0])),
)


def test_hyperplanes_that_are_known_are_crossed_where_they_lie():
    first, second = segment_crossings(KNOWN, (0, 0), (4, 0))
    np.testing.assert_allclose(first, [1 / 4])
    np.testing.assert_allclose(second, [2 / 4])
    first, second = segment_crossings(KNOWN, (0, 4), (8, 4))
    np.testing.assert_allclose(first, [1 / 8])
    np.testing.assert_allclose(second, [4 / 8])
    assert [len(found) for found in segment_crossings(KNOWN, (0, 0), (0.9, 1.9))] == [0, 0]
    assert changed_signs(KNOWN, (0, 0), (4, 0)) == [1, 1]


def test_a_unit_that_is_crossed_there_and_back_counts_twice_and_has_the_same_sign():
    """A tent, relu(x + 1) - 2 relu(x) - 1/2, is above 0 between -1/2 and 1/2."""
    net = ReluNet((np.ones((2, 1)), np.array([[1.0, -2]])), (np.array([1.0, 0]), np.array([-0.5])))
    first, second = segment_crossings(net, [-2], [2])
    np.testing.assert_allclose(first, [1 / 4, 1 / 2])
    np.testing.assert_allclose(second, [1.5 / 4, 2.5 / 4])
    assert changed_signs(net, [-2], [2]) == [2, 0]


@pytest.mark.parametrize("seed", range(5))
def test_crossings_are_those_that_small_steps_see(seed):
    net = random_relu_net(2, (8, 8, 8), seed)
    start, end = np.array([-1.5, -1]), np.array([1.2, 1.4])
    steps = np.linspace(0, 1, 200_001)[:, None]
    layers = pre_activations(net, start + steps * (end - start))
    for found, values in zip(segment_crossings(net, start, end), layers, strict=True):
        changes, _ = np.nonzero((values[:-1] > 0) != (values[1:] > 0))
        np.testing.assert_allclose(found, np.sort(steps[changes, 0]), atol=1e-5)
    parities = [len(found) % 2 for found in segment_crossings(net, start, end)]
    assert parities == [count % 2 for count in changed_signs(net, start, end)]


def test_a_random_net_has_its_widths_and_is_that_of_its_seed():
    net = random_relu_net(2, (3, 5), 1)
    assert [weights.shape for weights in net.weights] == [(3, 2), (5, 3)]
    assert [biases.shape for biases in net.biases] == [(3,), (5,)]
    np.testing.assert_array_equal(net.weights[1], random_relu_net(2, (3, 5), 1).weights[1])
    assert (net.weights[1] != random_relu_net(2, (3, 5), 2).weights[1]).all()
    first, second = pre_activations(net, [[0.3, -1], [2, 2]])
    np.testing.assert_allclose(second, np.maximum(first, 0) @ net.weights[1].T + net.biases[1])
