import pytest
import torch
from torch import nn

from filterfreq.models.classifier import Classifier
from filterfreq.models.surgery.post_averaging import post_averaging
from filterfreq.models.surgery.randomised_smoothing import randomised_smoothing
from filterfreq.runtime.errors import InputError

IMAGES = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network():
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))
    return Classifier(backbone, (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)).eval()


def test_three_shells_of_a_radius(network):
    (average,) = post_averaging(network, "random", 15, radius=6).averages
    assert (average.directions, average.count, average.centre) == ("random", 15, True)
    assert average.lengths == pytest.approx([2, -2, 4, -4, 6, -6])


def test_two_averages_with_lengths_as_they_are(network):
    second = {"directions": "random", "count": 60, "lengths": [10, 20, 30]}
    classifier = post_averaging(network, "approx", 60, lengths=[2, 3, 4], second=second, unit="pixels", vote="logit")
    assert [average.directions for average in classifier.averages] == ["approx", "random"]
    assert [average.count for average in classifier.averages] == [60, 60]
    assert classifier.averages[0].lengths == (2, -2, 3, -3, 4, -4)
    assert classifier.averages[1].lengths == (10, -10, 20, -20, 30, -30)
    assert (classifier.unit, classifier.vote) == ("pixels", "logit")


@pytest.mark.parametrize("settings", [{"count": 0, "radius": 0}, {"count": 15, "radius": 0}])
def test_nothing_to_average_over_leaves_the_model(network, settings):
    assert post_averaging(network, "random", **settings) is network


def test_a_small_radius_is_nearly_the_model(network):
    for directions in ("random", "approx", "exact"):
        averaged = post_averaging(network, directions, 3, radius=1e-5)(IMAGES)
        torch.testing.assert_close(averaged, network(IMAGES).log_softmax(dim=1), atol=1e-4, rtol=0)
    smoothed = randomised_smoothing(network, 9, sigma=1e-6)(IMAGES)
    torch.testing.assert_close(smoothed, network(IMAGES).log_softmax(dim=1), atol=1e-4, rtol=0)


def test_a_front_end_filters_the_points_too(network):
    """As it does with images: the defended model is the whole one."""

    class Nothing(nn.Module):
        def forward(self, images):
            return 0 * images

    network.front_end.append(Nothing())
    torch.testing.assert_close(
        post_averaging(network, "random", 3, radius=6)(IMAGES), network(IMAGES).log_softmax(dim=1)
    )


def test_across_the_units_of_a_model_without_linear_layers_nothing_leads():
    convolutional = Classifier(nn.Sequential(nn.Conv2d(3, 4, 8), nn.Flatten()), (0.5,) * 3, (0.2,) * 3)
    with pytest.raises(
        InputError, match="the model has no linear layer, across whose units the directions approx lead"
    ):
        post_averaging(convolutional, "approx", 15, radius=6)
    second = {"directions": "exact", "count": 3, "radius": 1}
    with pytest.raises(InputError, match="the directions exact lead: write directions: random"):
        post_averaging(convolutional, "random", 15, radius=6, second=second)
    assert post_averaging(convolutional, "random", 15, radius=6).is_stochastic


def test_noise_of_the_mean_length_of_the_points(network):
    """2r/3 is the mean of r/3, 2r/3 and r."""
    (average,) = randomised_smoothing(network, 90, radius=6).averages
    assert (average.directions, average.count, average.centre) == ("noise_of_length_1", 90, False)
    assert average.lengths == (4,)
    (average,) = randomised_smoothing(network, 90, sigma=0.5, vote="majority").averages
    assert (average.directions, average.lengths) == ("noise", (0.5,))
    assert randomised_smoothing(network, 90, sigma=0) is network
    assert randomised_smoothing(network, 90, radius=0) is network
