import pytest
import torch
from torch import nn

from filterfreq.models.averaging.directions import mean_normal_length, random_directions, unit_directions
from filterfreq.runtime.errors import InputError

IMAGES = torch.rand(4, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
PIXELS = torch.ones(1, 3, 1, 1, dtype=torch.float64)
SCALE = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64).view(1, 3, 1, 1)


def hidden(units=9):
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(48, units), nn.ReLU(inplace=True)).double()


def found(network, count, exact, scale=PIXELS):
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    source = unit_directions(network, layers, IMAGES, count, scale, exact)
    offsets, counts = source.find(slice(None))
    assert source.count == offsets.shape[1] == source.chosen.shape[1]
    again = unit_directions(network, layers, IMAGES, count, scale, exact, source.chosen).find(slice(None))
    assert all(map(torch.equal, again, (offsets, counts)))
    return offsets, counts


def test_of_one_hidden_layer_approx_and_exact_agree():
    network = hidden()
    approx, exact = (found(network, 5, exact)[0] for exact in (False, True))
    torch.testing.assert_close(approx, exact)
    values, weights = network[:2](IMAGES), network[1].weight
    nearest = (values.abs() / weights.norm(dim=1)).argsort(dim=1)[:, :5]
    signs = values.gather(1, nearest).sign()
    expected = (weights / weights.norm(dim=1, keepdim=True))[nearest] * signs[..., None]
    torch.testing.assert_close(approx.flatten(2), expected)


@pytest.mark.parametrize("scale", [PIXELS, SCALE], ids=["pixels", "scaled"])
def test_a_step_of_the_distance_against_the_direction_ends_on_the_hyperplane(scale):
    """The distance is in the unit of length, in which the direction has length 1."""
    network = hidden()
    offsets, _ = found(network, 9, True, scale)
    torch.testing.assert_close((offsets / scale).flatten(2).norm(dim=2), torch.ones(4, 9, dtype=torch.float64))
    gradients = network[1].weight.view(9, 3, 4, 4) * scale
    values = network[:2](IMAGES)
    distances = values.abs() / gradients.flatten(1).norm(dim=1)
    order = distances.argsort(dim=1)
    for k in range(9):
        unit = order[:, k, None]
        stepped = IMAGES - distances.gather(1, unit)[..., None, None] * offsets[:, k]
        assert network[:2](stepped).gather(1, unit).abs().max() < 1e-12


def test_in_a_deeper_layer_the_distance_is_by_the_gradient():
    torch.manual_seed(2)
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, 6), nn.ReLU(), nn.Linear(6, 5)).double()
    offsets, _ = found(network, 1, True)
    images = IMAGES.clone().requires_grad_()
    first = network[:2](images)
    values = torch.cat([first, network[2:](first)], dim=1)
    gradients = torch.stack(
        [torch.autograd.grad(values[:, unit].abs().sum(), images, retain_graph=True)[0] for unit in range(11)], dim=1
    ).flatten(2)
    nearest = (values.abs() / gradients.norm(dim=2)).argmin(dim=1)
    direction = gradients[torch.arange(4), nearest]
    torch.testing.assert_close(offsets[:, 0].flatten(1), direction / direction.norm(dim=1, keepdim=True))


def test_layers_share_the_directions_of_approx_evenly():
    torch.manual_seed(2)
    network = nn.Sequential(nn.Flatten(), nn.Linear(48, 6), nn.ReLU(), nn.Linear(6, 2)).double()
    offsets, _ = found(network, 5, False)
    assert offsets.shape[1] == 5
    # The last layer has two units alone, and so the other gives the rest.
    every, _ = found(network, 8, False)
    assert every.flatten(2).unique(dim=1).shape[1] == 6 + 2
    with pytest.raises(InputError, match=r"^post_averaging: 9 directions approx lead .* model has 8: write"):
        found(network, 9, False)
    with pytest.raises(InputError, match="9 directions exact"):
        found(network, 9, True)
    values = network[:2](IMAGES)
    nearest = (values.abs() / network[1].weight.norm(dim=1)).argsort(dim=1)[:, :3]
    rows = network[1].weight[nearest]
    cosines = (offsets[:, :3].flatten(2) * rows).sum(dim=2) / rows.norm(dim=2)
    torch.testing.assert_close(cosines.abs(), torch.ones(4, 3, dtype=torch.float64))


def test_each_unit_takes_one_backward_pass_of_all_images(monkeypatch):
    """And none for what is not wanted yet."""
    passes = []
    gradient = torch.autograd.grad
    monkeypatch.setattr(
        torch.autograd, "grad", lambda *values, **options: passes.append(1) or gradient(*values, **options)
    )
    network = hidden()
    source = unit_directions(network, [network[1]], IMAGES, 5, PIXELS, False)
    assert not passes
    source.find(slice(0, 2))
    assert len(passes) == 2
    source.find(slice(2, 5))
    assert len(passes) == 5


def test_random_directions_are_uniform():
    seeds = torch.arange(4 * 500).view(4, 500).numpy()
    offsets, counts = random_directions(IMAGES, seeds, SCALE).find(slice(None))
    vectors = (offsets / SCALE).flatten(2)
    torch.testing.assert_close(vectors.norm(dim=2), counts)
    torch.testing.assert_close(vectors.mean(dim=(0, 1)), torch.zeros(48, dtype=torch.float64), atol=0.02, rtol=0)
    covariance = vectors.flatten(0, 1).T @ vectors.flatten(0, 1) / 2000
    torch.testing.assert_close(covariance, torch.eye(48, dtype=torch.float64) / 48, atol=0.004, rtol=0)


def test_the_mean_length_of_noise():
    drawn = torch.randn(20_000, 5, generator=torch.Generator().manual_seed(0))
    assert mean_normal_length(5) == pytest.approx(drawn.norm(dim=1).mean().item(), rel=0.01)
    assert mean_normal_length(150_528) == pytest.approx(150_528**0.5, rel=1e-4)
