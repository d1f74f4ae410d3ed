import copy
import subprocess
import sys
from collections import Counter

import pytest
import torch
from torch import nn

from filterfreq.errors import InputError
from filterfreq.models.classifier import Classifier
from filterfreq.models.dct import DCTConv2d, compose, decompose
from filterfreq.models.registry import build, check_architecture, libraries
from filterfreq.models.torchvision_models import check_torchvision_name, torchvision_weights

# From the papers' tables: how many convolutions have each kernel size, 1 and ConvNeXt's patches of 4 and 2 left out.
SPATIAL = {
    "torchvision_resnet18": {7: 1, 3: 16},
    "torchvision_resnet50": {7: 1, 3: 16},
    "torchvision_mobilenet_v2": {3: 1 + 17},
    "torchvision_efficientnet_b0": {3: 1 + 1 + 2 + 3 + 1, 5: 2 + 3 + 4},
    "torchvision_convnext_tiny": {7: 3 + 3 + 9 + 3},
}
# The numbers of parameters that torchvision's documentation of the weights states.
PARAMETERS = {
    "torchvision_resnet18": 11_689_512,
    "torchvision_resnet50": 25_557_032,
    "torchvision_mobilenet_v2": 3_504_872,
    "torchvision_efficientnet_b0": 5_288_548,
    "torchvision_convnext_tiny": 28_589_128,
}


@pytest.fixture(scope="module", params=SPATIAL)
def case(request):
    """Name, plain model in double precision, and its spatial convolutions by name."""
    torch.manual_seed(0)
    model = build(request.param, 10).double().eval()
    for name, parameter in model.named_parameters():
        if name.endswith("layer_scale"):
            nn.init.ones_(parameter)  # ConvNeXt's start at 1e-6, which would hide its spatial convolutions
    convolutions = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d) and module.kernel_size in ((3, 3), (5, 5), (7, 7))
    }
    return request.param, model, convolutions


def test_exactly_the_spatial_convolutions_are_decomposed(case):
    name, model, convolutions = case
    layers = {
        layer_name: layer
        for layer_name, layer in decompose(copy.deepcopy(model), "weight").named_modules()
        if isinstance(layer, DCTConv2d)
    }

    assert layers.keys() == convolutions.keys()
    assert Counter(layer.kernel_size[0] for layer in layers.values()) == SPATIAL[name]


def test_with_projected_weights_the_network_computes_the_same(case):
    _, model, convolutions = case
    decomposed = decompose(copy.deepcopy(model), "signal")
    images = torch.randn(1, 3, 64, 49, dtype=torch.float64)
    with torch.no_grad():
        expected = model(images)
        scale = expected.abs().max()
        assert (decomposed(images) - expected).abs().max() > 0.01 * scale
        for name, convolution in convolutions.items():
            layer = decomposed.get_submodule(name)
            basis = layer.basis.flatten(2).flatten(0, 1)  # [frequency, position]
            coefficients = torch.linalg.solve(basis.T, convolution.weight.flatten(2).mT).mT
            layer.coefficients.copy_(coefficients.reshape(convolution.weight.shape))
            if convolution.bias is not None:
                convolution.bias.zero_()  # which DCT layers do without
        expected = model(images)

        torch.testing.assert_close(decomposed(images) / scale, expected / scale, rtol=0, atol=1e-10)


def test_the_composed_network_computes_the_same(case):
    _, model, _ = case
    decomposed = Classifier(decompose(copy.deepcopy(model).float(), "weight"), (0.5,) * 3, (0.25,) * 3).eval()
    plain = compose(decomposed)
    images = torch.rand(2, 3, 64, 64)

    assert not any(isinstance(module, DCTConv2d) for module in plain.modules())
    with torch.inference_mode():
        assert torch.equal(plain(images), decomposed(images))


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_models_have_the_published_numbers_of_parameters(name):
    with torch.device("meta"):
        model = build(name, 1000)

    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]


def test_the_names_are_those_that_torchvision_lists():
    code = (
        "import torchvision; from torchvision.models import get_model_weights, list_models\n"
        "for name in list_models(module=torchvision.models):\n"
        "    members = get_model_weights(name).__members__.values()\n"
        "    print(name, *dict.fromkeys(member.name for member in members))\n"
    )
    listed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    expected = {name: tuple(weights) for name, *weights in map(str.split, listed.splitlines())}
    for several_outputs in ("googlenet", "inception_v3"):
        del expected[several_outputs]

    assert torchvision_weights() == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torchvision_resnt18", "torchvision has no 'resnt18': did you mean torchvision_resnet18"),
        ("torchvision_zzzz", "torchvision has no 'zzzz': it has alexnet, convnext_base"),
        ("torchvision_googlenet", "unknown model 'torchvision_googlenet'"),
    ],
)
def test_an_unknown_name_is_refused(name, message):
    for call in (check_architecture, lambda name: build(name, 10)):
        with pytest.raises(InputError) as refusal:
            call(name)
        assert message in str(refusal.value)


def test_unknown_weights_are_refused():
    check_torchvision_name("resnet50", "IMAGENET1K_V2")
    with pytest.raises(
        InputError, match="unknown weights 'V1', torchvision's resnet50 has IMAGENET1K_V1, IMAGENET1K_V2"
    ):
        check_torchvision_name("resnet50", "V1")


def test_the_libraries_that_build_a_model_are_known():
    assert libraries("torchvision_resnet18") == ("torchvision",)
    assert libraries("timm_resnet18") == libraries("lowres_efficientnet_b0") == ("timm",)
    assert libraries("resnet_20") == ()


def test_checking_a_name_imports_neither_torchvision_nor_torch():
    code = (
        "import sys; from filterfreq.models.registry import check_architecture; "
        "check_architecture('torchvision_resnet18'); sys.exit('torchvision' in sys.modules or 'torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "scripts"})
