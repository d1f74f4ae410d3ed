import copy
from collections import Counter

import pytest
import torch
from torch import nn

from filterfreq.models.classifier import Classifier
from filterfreq.models.registry import build
from filterfreq.models.surgery.composition import compose
from filterfreq.models.surgery.decomposition import DCTConv2d, decompose

# From the papers' tables: how many convolutions have each kernel size, 1 and ConvNeXt's patches of 4 and 2 left out.
SPATIAL = {
    "timm_resnet18": {7: 1, 3: 16},
    "timm_resnet50": {7: 1, 3: 16},
    "timm_mobilenetv2_100": {3: 1 + 17},
    "timm_efficientnet_b0": {3: 1 + 1 + 2 + 3 + 1, 5: 2 + 3 + 4},
    "timm_tf_efficientnet_b0": {3: 1 + 1 + 2 + 3 + 1, 5: 2 + 3 + 4},
    "lowres_efficientnet_b0": {3: 1 + 1 + 2 + 3 + 1, 5: 2 + 3 + 4},
    "timm_convnext_tiny": {7: 3 + 3 + 9 + 3},
    "torchvision_resnet18": {7: 1, 3: 16},
    "torchvision_resnet50": {7: 1, 3: 16},
    "torchvision_mobilenet_v2": {3: 1 + 17},
    "torchvision_efficientnet_b0": {3: 1 + 1 + 2 + 3 + 1, 5: 2 + 3 + 4},
    "torchvision_convnext_tiny": {7: 3 + 3 + 9 + 3},
}


def projected(layer, weight):
    """Return the coefficients [O, I, N, N] whose filters, in the layer's basis, are `weight`."""
    basis = layer.basis.flatten(2).flatten(0, 1)  # [frequency, position]
    return torch.linalg.solve(basis.T, weight.flatten(2).mT).mT.reshape(weight.shape)


@pytest.fixture(scope="module", params=SPATIAL)
def case(request):
    """Name, plain model in double precision, and its spatial convolutions by name."""
    torch.manual_seed(0)
    model = build(request.param, 10).double().eval()
    for name, parameter in model.named_parameters():
        if name.endswith((".gamma", "layer_scale")):
            nn.init.ones_(parameter)  # ConvNeXt's start at 1e-6, which would hide its spatial convolutions
    convolutions = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d) and module.kernel_size in ((3, 3), (5, 5), (7, 7))
    }
    return request.param, model, convolutions


@pytest.mark.slow
def test_exactly_the_spatial_convolutions_are_decomposed(case):
    name, model, convolutions = case
    layers = {
        layer_name.removesuffix(".1") if layer_name not in convolutions else layer_name: layer
        for layer_name, layer in decompose(copy.deepcopy(model), "weight").named_modules()
        if isinstance(layer, DCTConv2d)
    }

    assert layers.keys() == convolutions.keys()
    assert Counter(layer.kernel_size[0] for layer in layers.values()) == SPATIAL[name]
    for layer_name, layer in layers.items():
        assert layer.coefficients.shape == convolutions[layer_name].weight.shape


@pytest.mark.slow
def test_with_projected_weights_the_network_computes_the_same(case):
    _, model, convolutions = case
    decomposed = decompose(copy.deepcopy(model), "signal")
    layers = [module for module in decomposed.modules() if isinstance(module, DCTConv2d)]
    images = torch.randn(1, 3, 64, 49, dtype=torch.float64)
    with torch.no_grad():
        expected = model(images)
        scale = expected.abs().max()
        assert (decomposed(images) - expected).abs().max() > 0.01 * scale
        for layer, convolution in zip(layers, convolutions.values(), strict=True):
            layer.coefficients.copy_(projected(layer, convolution.weight))
            if convolution.bias is not None:
                convolution.bias.zero_()  # which DCT layers do without
        expected = model(images)

        torch.testing.assert_close(decomposed(images) / scale, expected / scale, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_the_composed_network_computes_the_same(case):
    _, model, _ = case
    decomposed = Classifier(decompose(copy.deepcopy(model).float(), "weight"), (0.5,) * 3, (0.25,) * 3).eval()
    plain = compose(decomposed)
    images = torch.rand(2, 3, 64, 64)

    assert not any(isinstance(module, DCTConv2d) for module in plain.modules())
    with torch.inference_mode():
        assert plain(images).shape == (2, 10)
        assert torch.equal(plain(images), decomposed(images))
