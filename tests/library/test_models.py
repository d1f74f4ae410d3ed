import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import filterfreq
from filterfreq.models.classifier import Classifier
from filterfreq.models.surgery.decomposition import DCTConv2d
from filterfreq.runtime.errors import InputError

ROOT = Path(__file__).parents[2]


def network(bias: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=bias),
        nn.ReLU(),
        nn.Conv2d(8, 4, 1, bias=True),
        nn.Conv2d(4, 4, 5, stride=2, bias=False),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def test_importing_the_library_loads_no_torch():
    code = "import sys, filterfreq; assert 'torch' not in sys.modules; print(*sorted(filterfreq.__all__))"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "scripts", capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == sorted(name for name in dir(filterfreq) if name in filterfreq.__all__)


def test_every_function_of_the_library_is_there_and_documented():
    text = (ROOT / "docs" / "library.md").read_text()
    for name in filterfreq.__all__:
        assert getattr(filterfreq, name).__doc__
        assert f"| `{name}(" in text
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = filterfreq.nothing


@pytest.mark.parametrize("decomposition", ["weight", "signal"])
def test_decompose_keeps_the_function(images, decomposition):
    model = network()
    before = model(images)
    model = filterfreq.decompose(model, decomposition)
    assert sum(isinstance(layer, DCTConv2d) for layer in model) == 2
    torch.testing.assert_close(model(images), before)
    torch.testing.assert_close(filterfreq.compose(model)(images), before)


def test_decompose_of_a_single_convolution_keeps_its_function(images):
    layer = nn.Conv2d(3, 2, 3, bias=False)
    torch.testing.assert_close(filterfreq.decompose(layer)(images), layer(images))


def test_decompose_draws_anew_where_told(images):
    model = network(bias=True)
    before = model(images)
    decomposed = filterfreq.decompose(model, keep_weights=False)
    assert not torch.allclose(decomposed(images), before)


def test_a_bias_is_not_lost():
    model = network(bias=True)
    with pytest.raises(InputError, match="layer 0 has a bias, which a DCT layer cannot keep: give keep_weights=False"):
        filterfreq.decompose(model)
    assert isinstance(model[0], nn.Conv2d)


def test_a_bias_of_a_layer_that_is_left_as_it_is_is_no_matter():
    """A patch embedding, as at the start of ConvNeXt, and a convolution that is too small."""
    model = nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), nn.Conv2d(8, 8, 1), nn.Conv2d(8, 4, 3, bias=False))
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    before = model(images)
    torch.testing.assert_close(filterfreq.decompose(model)(images), before)


def test_average_is_over_the_points_of_the_paper(images):
    """A linear function of the image is its own average over points on both sides, in logits."""
    linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 5))
    averaged = filterfreq.average(linear, count=3, radius=2.0, unit="pixels", vote="logit")
    assert isinstance(averaged, Classifier)
    torch.testing.assert_close(averaged(images), linear(images), rtol=1e-4, atol=1e-5)
    again = filterfreq.average(linear, count=3, radius=2.0, unit="pixels", seed=1)
    assert not torch.equal(again(images), filterfreq.average(linear, count=3, radius=2.0, unit="pixels")(images))


def test_the_penalty_is_that_of_the_coefficients(images):
    layer = filterfreq.decompose(nn.Conv2d(3, 2, 3, bias=False))
    norms = layer.coefficients.square().sum(dim=(0, 1)).sqrt()
    rows, columns = torch.meshgrid(torch.arange(3), torch.arange(3), indexing="ij")
    order = torch.maximum(rows, columns)
    expected = 0.5 * (order * norms)[order > 1.5].sum()
    torch.testing.assert_close(filterfreq.frequency_penalty(layer, "highest", 0.5, "all"), expected)


def test_a_missing_run_is_named(tmp_path):
    with pytest.raises(InputError, match=r"run\.json"):
        filterfreq.load_model(tmp_path / "seed-0")
