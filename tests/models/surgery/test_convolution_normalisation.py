"""Networks with normalised convolutions: their size, what stays, how they are composed, and what is refused."""

import copy

import pytest
import torch
from oracles.resnet18 import resnet18
from torch import nn

from filterfreq.models.pointwise import subsample_pointwise
from filterfreq.models.registry import build
from filterfreq.models.surgery.composition import compose
from filterfreq.models.surgery.conv_norm import ConvNorm
from filterfreq.models.surgery.convolution_normalisation import METHODS, normalise
from filterfreq.models.surgery.decomposition import decompose
from filterfreq.models.surgery.weight_normalisation import NormalisedConv2d
from filterfreq.runtime.errors import InputError
from filterfreq.training.untrained import count_parameters

IMAGES = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def kinds(model, kind):
    return [module for module in model.modules() if isinstance(module, kind)]


@pytest.mark.parametrize(
    ("method", "parameters"),
    [(None, 11_173_962), ("convnorm", 11_214_794), ("oni", 11_178_762), ("spectral", 11_173_962)],
)
def test_the_parameters_of_a_resnet_18_are_those_of_the_released_networks(method, parameters):
    model = resnet18(10)
    if method is not None:
        model = normalise(model, method, image_size=32)
    assert count_parameters(model) == parameters


@pytest.mark.parametrize(
    ("method", "bias", "parameters"),
    [
        (None, True, 14_728_266),
        ("oni", True, 14_732_490),
        ("convnorm", False, 14_766_282),
        ("spectral", False, 14_724_042),
    ],
)
def test_the_parameters_of_a_vgg_16_are_those_of_the_released_networks(method, bias, parameters):
    """Of which two have biases in their convolutions, and two have none."""
    layers: list[nn.Module] = []
    before = 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(before, width, 3, padding=1, bias=bias), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        layers.append(nn.MaxPool2d(2))
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10))
    if method is not None:
        model = normalise(model, method, image_size=32)
    assert count_parameters(model) == parameters


def test_own_adds_no_parameter():
    """Its scale is fixed."""
    assert count_parameters(normalise(resnet18(10), "own", norm_groups=64)) == 11_173_962


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("decomposition", [None, "weight"])
def test_all_convolutions_are_replaced_and_the_weights_stay(method, decomposition):
    torch.manual_seed(0)
    plain = build("resnet_8_4", 10)
    plain = plain if decomposition is None else decompose(plain, decomposition)
    weights = {name.rpartition(".")[0]: parameter for name, parameter in plain.named_parameters() if "conv" in name}
    changed = normalise(copy.deepcopy(plain), method, image_size=32)
    new = kinds(changed, ConvNorm if method == "convnorm" else NormalisedConv2d)
    assert len(new) == len(kinds(plain, nn.BatchNorm2d)) == 9
    # With it the batch normalisations are those of the new layers.
    assert len(kinds(changed, nn.BatchNorm2d)) == 9
    for name, weight in weights.items():
        inner = changed.get_submodule(f"{name}.conv")
        assert torch.equal(weight, inner.weight if isinstance(inner, nn.Conv2d) else inner.coefficients)
    changed.train()(IMAGES).sum().backward()
    assert all(parameter.grad is not None for parameter in changed.parameters())
    # Evaluations load it with plain convolutions where that is exact.
    composed = compose(changed.eval())
    assert not kinds(composed, NormalisedConv2d)
    assert len(kinds(composed, ConvNorm)) == (9 if method == "convnorm" else 0)
    torch.testing.assert_close(composed(IMAGES), changed(IMAGES), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_narrow_strided_pointwise_layers_compute_the_same_when_training_subsamples_them(method):
    torch.manual_seed(0)
    model = normalise(build("resnet_8_4", 10), method, image_size=32).eval()
    before = model(IMAGES)
    torch.testing.assert_close(subsample_pointwise(model)(IMAGES), before)
    torch.testing.assert_close(compose(model)(IMAGES), before, rtol=1e-4, atol=1e-5)


def test_without_batch_normalisation_there_is_none():
    plain = build("resnet_8_4", 10)
    of_norms = sum(parameter.numel() for norm in kinds(plain, nn.BatchNorm2d) for parameter in norm.parameters())
    model = normalise(copy.deepcopy(plain), "convnorm", image_size=32, batch_norm=False, affine=False)
    assert not kinds(model, nn.BatchNorm2d)
    assert count_parameters(model) == count_parameters(plain) - of_norms


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(3, 3, 3, padding=1)
        self.other = nn.Conv2d(3, 3, 3)

    def forward(self, images):
        return self.one(images)


def test_what_cannot_be_normalised_is_refused():
    with pytest.raises(InputError, match="unknown normalisation 'convnrom': did you mean 'convnorm'"):
        normalise(nn.Conv2d(3, 4, 3), "convnrom")
    with pytest.raises(InputError, match="the model has no convolution to normalise"):
        normalise(nn.Linear(3, 4), "oni")
    with pytest.raises(InputError, match="needs the image_size"):
        normalise(nn.Conv2d(3, 4, 3), "convnorm")
    with pytest.raises(InputError, match="layer 1 cannot be normalised: it is dilated by"):
        normalise(nn.Sequential(nn.ReLU(), nn.Conv2d(3, 4, 3, dilation=2)), "convnorm", image_size=8)
    with pytest.raises(InputError, match="does not take images of 8 x 8 pixels"):
        normalise(nn.Sequential(nn.Conv2d(4, 4, 3)), "convnorm", image_size=8)
    with pytest.raises(InputError, match="layer other is met by no image"):
        normalise(Unused(), "convnorm", image_size=32)
    with pytest.raises(InputError, match="layer 0 gets images of several sizes"):
        normalise(nn.Sequential(shared := nn.Conv2d(3, 3, 3), nn.MaxPool2d(2), shared), "convnorm", image_size=16)

    class Other(nn.Conv2d):
        pass

    with pytest.raises(InputError, match="layer at the top cannot be normalised: it is a Other"):
        normalise(Other(3, 4, 3), "spectral")
    with pytest.raises(InputError, match="layer 1 is a SyncBatchNorm, which may do more than normalise"):
        normalise(nn.Sequential(nn.Conv2d(3, 4, 3), nn.SyncBatchNorm(4)), "convnorm", image_size=8)
