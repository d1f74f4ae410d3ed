import pytest
import torch
from oracles.live_bytes import LiveBytes
from torch import nn

from filterfreq.models.averaging import classifier as module
from filterfreq.models.averaging.classifier import Average, AveragedClassifier
from filterfreq.models.classifier import Classifier

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
IMAGES = torch.rand(5, 3, 6, 6, generator=torch.Generator().manual_seed(0))
LENGTHS = (1.0, -1.0, 2.0, -2.0, 3.0, -3.0)
RANDOM, APPROX, EXACT = (Average(kind, 4, LENGTHS) for kind in ("random", "approx", "exact"))


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch):
    """Two images with six points each, so that batches fall into parts."""
    monkeypatch.setitem(module._POSITIONS, "cpu", 12 * 36)


@pytest.fixture
def network():
    """Two hidden layers that overwrite their pre-activations."""
    torch.manual_seed(0)
    layers = [nn.Flatten(), nn.Linear(108, 7), nn.ReLU(inplace=True), nn.Linear(7, 6), nn.ReLU(inplace=True)]
    return Classifier(nn.Sequential(*layers, nn.Linear(6, 4)), MEAN, STD).eval()


def averaged(network, *averages, unit="normalised", vote="softmax"):
    return AveragedClassifier(network, averages, unit, vote).eval()


class Points(nn.Module):
    """Keeps what it is shown."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(108, 3)
        self.shown = []

    def forward(self, images):
        self.shown.append(images.detach())
        return self.linear(images.flatten(1))


def points_of_image(average, unit="pixels", std=STD, seed=0):
    """The points that the network is shown of one image, as they are in [0, 1], and the image itself."""
    classifier = averaged(Classifier(Points(), MEAN, std), average, unit=unit)
    classifier.seed_draws(seed)
    image = IMAGES[:1]
    with torch.no_grad():
        classifier(image)
    to_pixels = torch.tensor(std).view(1, 3, 1, 1), torch.tensor(MEAN).view(1, 3, 1, 1)
    shown = classifier.backbone.shown
    # The first pass of approx and exact finds the directions.
    return torch.cat(shown[not average.is_stochastic :]) * to_pixels[0] + to_pixels[1], image


@pytest.mark.parametrize("average", [RANDOM, APPROX, EXACT])
def test_an_affine_model_is_unchanged(average):
    """Points come in pairs on both sides of the image."""
    network = Classifier(nn.Sequential(nn.Flatten(), nn.Linear(108, 4)), MEAN, STD).double()
    images = IMAGES.double()
    torch.testing.assert_close(
        averaged(network, average, vote="logit").double()(images), network(images), rtol=1e-12, atol=1e-12
    )


class Cosine(nn.Module):
    """cos(w.x) as one of two logits."""

    def __init__(self, w):
        super().__init__()
        self.w = w

    def forward(self, images):
        cosines = torch.cos(images.flatten(1) @ self.w)
        return torch.stack([cosines, torch.zeros_like(cosines)], dim=1)


def test_the_average_of_a_cosine_has_a_closed_form():
    w = 0.1 * torch.randn(108, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    network = Classifier(Cosine(w), (0.0,) * 3, (1.0,) * 3).double()
    images = IMAGES.double()
    classifier = averaged(network, RANDOM, unit="pixels", vote="logit").double()
    classifier.seed_draws(7)
    [(offsets, _)] = classifier.next_offsets(images)
    answered = classifier(images)[:, 0]
    steps = offsets.flatten(2) @ w
    factor = (1 + 2 * sum(torch.cos(length * steps) for length in (1.0, 2.0, 3.0)).sum(dim=1)) / 25
    torch.testing.assert_close(answered, torch.cos(images.flatten(1) @ w) * factor, rtol=1e-10, atol=1e-10)


def test_points_are_at_their_lengths_on_both_sides_and_not_clipped():
    points, image = points_of_image(RANDOM)
    changes = (points - image).flatten(1)
    lengths = changes.norm(dim=1)
    assert sorted(lengths.round(decimals=3).tolist()) == [0, *sorted(4 * [1, 1, 2, 2, 3, 3])]
    torch.testing.assert_close(changes.sum(dim=0), torch.zeros(108), atol=1e-4, rtol=0)
    assert points.min() < 0
    assert points.max() > 1


def test_a_normalised_length_is_that_of_what_the_network_sees():
    points, image = points_of_image(RANDOM, unit="normalised")
    changes = (points - image) / torch.tensor(STD).view(1, 3, 1, 1)
    assert sorted(changes.flatten(1).norm(dim=1).round(decimals=3).tolist())[-1] == 3
    in_pixels, _ = points_of_image(RANDOM, unit="pixels")
    assert (points - image).flatten(1).norm(dim=1).max() < 0.35 * (in_pixels - image).flatten(1).norm(dim=1).max()


def test_smoothing_noise_has_its_standard_deviation_and_its_mean_length():
    noise, image = points_of_image(Average("noise", 400, (0.5,), centre=False))
    assert len(noise) == 400
    assert (noise - image).std().item() == pytest.approx(0.5, rel=0.02)
    noise, image = points_of_image(Average("noise_of_length_1", 400, (2.0,), centre=False))
    assert (noise - image).flatten(1).norm(dim=1).mean().item() == pytest.approx(2, rel=0.02)


@pytest.mark.parametrize("averages", [[RANDOM], [APPROX], [EXACT], [APPROX, RANDOM]], ids=str)
def test_the_same_seed_gives_the_same_in_any_batch_size(network, averages):
    classifier = averaged(network, *averages)

    def answers(batch_size, calls):
        found = []
        for start in range(0, 5, batch_size):
            classifier.seed_draws(3, 10 + start)
            found.append([classifier(IMAGES[start : start + batch_size]) for _ in range(calls)][-1])
        return torch.cat(found)

    with torch.no_grad():
        torch.testing.assert_close(answers(1, 1), answers(5, 1))
        torch.testing.assert_close(answers(2, 2), answers(3, 2))
        assert torch.equal(answers(1, 2), answers(1, 1)) is not classifier.is_stochastic


def test_images_seeds_and_both_averages_have_draws_of_their_own(network):
    classifier = averaged(network, RANDOM, RANDOM)
    classifier.seed_draws(0)
    vectors = torch.cat([offsets for offsets, _ in classifier.next_offsets(IMAGES)]).flatten(0, 1).flatten(1)
    assert len(vectors.unique(dim=0)) == len(vectors) == 2 * 5 * 4


@pytest.mark.parametrize("vote", ["softmax", "logit", "weighted"])
@pytest.mark.parametrize("average", [RANDOM, APPROX, EXACT], ids=["random", "approx", "exact"])
def test_the_gradient_is_that_of_the_plain_sum(network, average, vote):
    """Of all points at once, whose directions are constants."""
    classifier = averaged(network, average, vote=vote)
    weights = torch.randn(5, 4, generator=torch.Generator().manual_seed(2))
    images = IMAGES.clone().requires_grad_()
    classifier.seed_draws(1)
    [(offsets, _)] = classifier.next_offsets(IMAGES)
    (classifier(images) * weights).sum().backward()

    plain = IMAGES.clone().requires_grad_()
    points = [plain, *(plain + length * offsets[:, k] for k in range(4) for length in LENGTHS)]
    logits = torch.stack([network(one) for one in points])
    mean = logits.mean(dim=0)
    softmax = logits.softmax(dim=2)
    hard = nn.functional.one_hot(logits.argmax(dim=2), 4) + softmax - softmax.detach()
    expected = {"softmax": softmax.mean(dim=0).log(), "logit": mean, "weighted": mean * hard.mean(dim=0)}[vote]
    (expected * weights).sum().backward()
    torch.testing.assert_close(images.grad, plain.grad, rtol=1e-4, atol=1e-6)
    assert images.grad.abs().max() > 1e-3


def test_where_all_points_agree_a_cross_entropy_has_a_gradient(network):
    images = IMAGES.clone().requires_grad_()
    near = Average("random", 4, (1e-3, -1e-3))
    logits = averaged(network, near, vote="majority")(images)
    # 9 of 9 votes, and one of each of four classes.
    torch.testing.assert_close(logits.exp().amax(dim=1), torch.full((len(images),), 10 / 13))
    nn.functional.cross_entropy(logits, logits.argmax(dim=1)).backward()
    assert images.grad.isfinite().all()
    assert (images.grad.abs().amax(dim=(1, 2, 3)) > 0).all()


def test_of_two_averages_the_surer_one_decides(network):
    near, far = Average("approx", 4, (0.1, -0.1)), Average("random", 4, (40.0, -40.0))
    with torch.no_grad():
        answered, *alone = (averaged(network, *averages)(IMAGES) for averages in ((far, near), (far,), (near,)))
    entropies = [-(logs.exp() * logs).sum(dim=1) for logs in alone]
    chosen = entropies[1] < entropies[0]
    torch.testing.assert_close(answered, torch.where(chosen[:, None], alone[1], alone[0]))
    assert not torch.allclose(alone[0], alone[1])


def test_a_unit_without_gradient_gives_no_point():
    """All weights of the layer but one unit's are 0."""
    layer = nn.Linear(108, 3, bias=False)
    nn.init.zeros_(layer.weight)
    nn.init.constant_(layer.weight[0], 0.1)
    network = Classifier(nn.Sequential(nn.Flatten(), layer), MEAN, STD).eval()
    classifier = averaged(network, Average("approx", 3, LENGTHS))
    [(offsets, counts)] = classifier.next_offsets(IMAGES)
    assert counts.sum(dim=1).tolist() == [1] * 5
    direction = offsets[counts > 0]
    points = [IMAGES, *(IMAGES + length * direction for length in LENGTHS)]
    with torch.no_grad():
        expected = torch.stack([network(one).softmax(dim=1) for one in points]).mean(dim=0).log()
    images = IMAGES.clone().requires_grad_()
    answered = classifier(images)
    torch.testing.assert_close(answered, expected)
    answered[:, 0].sum().backward()
    assert images.grad.isfinite().all()
    assert images.grad.abs().max() > 0


def test_predictions_are_made_without_gradients_and_in_inference_mode(network):
    classifier = averaged(network, APPROX)
    expected = classifier(IMAGES)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            torch.testing.assert_close(classifier(IMAGES + 0), expected)


def test_weights_are_the_sources(network):
    assert list(averaged(network, RANDOM).backbone.state_dict()) == list(network.backbone.state_dict())
    assert list(averaged(network, RANDOM).state_dict()) == list(network.state_dict())


def test_memory_does_not_grow_with_the_number_of_points():
    """What the network is shown at once, and that each part is forgotten before the next but one."""
    sizes = []
    for count in (4, 40):
        classifier = averaged(Classifier(Points(), MEAN, STD), Average("random", count, LENGTHS))
        with torch.no_grad():
            classifier(IMAGES)
        sizes.append(max(len(shown) for shown in classifier.backbone.shown))
        assert sum(len(shown) for shown in classifier.backbone.shown) == 5 * (6 * count + 1)
    assert sizes[0] == sizes[1] == 12


@pytest.mark.parametrize("kind", ["random", "approx"])
def test_a_gradient_keeps_no_more_for_more_directions(kind):
    """Of what the network computes, in tensors that live at once, forwards and backwards."""
    peaks = []
    for count in (2, 20):
        torch.manual_seed(0)
        network = Classifier(nn.Sequential(nn.Flatten(), nn.Linear(108, 64), nn.ReLU(), nn.Linear(64, 4)), MEAN, STD)
        classifier = averaged(network.requires_grad_(False), Average(kind, count, LENGTHS))
        images = IMAGES.clone().requires_grad_()
        with LiveBytes() as bytes_of_tensors:
            classifier(images).sum().backward()
        peaks.append(bytes_of_tensors.peak)
    assert peaks[1] <= 1.02 * peaks[0]


def test_what_is_random_says_so(network):
    assert not network.is_stochastic
    assert not averaged(network, APPROX).is_stochastic
    assert averaged(network, APPROX, RANDOM).is_stochastic
