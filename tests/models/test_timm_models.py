import copy
import subprocess
import sys
from collections import Counter

import pytest
import torch
from torch import nn

from filterfreq.errors import InputError
from filterfreq.models import timm_models
from filterfreq.models.checkpoints import load_checkpoint, save_checkpoint
from filterfreq.models.classifier import Classifier
from filterfreq.models.dct import DCTConv2d, compose, decompose
from filterfreq.models.penalty import frequency_penalty
from filterfreq.models.registry import build, check_architecture

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}

# From the papers' tables: how many convolutions have each kernel size, 1 and ConvNeXt's patches of 4 and 2 left out.
SPATIAL = {
    "timm_resnet18": {7: 1, 3: 16},
    "timm_resnet50": {7: 1, 3: 16},
    "timm_mobilenetv2_100": {3: 1 + 17},
    "timm_efficientnet_b0": {3: 1 + 1 + 2 + 3 + 1, 5: 2 + 3 + 4},
    "timm_tf_efficientnet_b0": {3: 1 + 1 + 2 + 3 + 1, 5: 2 + 3 + 4},
    "lowres_efficientnet_b0": {3: 1 + 1 + 2 + 3 + 1, 5: 2 + 3 + 4},
    "timm_convnext_tiny": {7: 3 + 3 + 9 + 3},
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
        if name.endswith(".gamma"):
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
        layer_name.removesuffix(".1") if layer_name not in convolutions else layer_name: layer
        for layer_name, layer in decompose(copy.deepcopy(model), "weight").named_modules()
        if isinstance(layer, DCTConv2d)
    }

    assert layers.keys() == convolutions.keys()
    assert Counter(layer.kernel_size[0] for layer in layers.values()) == SPATIAL[name]
    for layer_name, layer in layers.items():
        assert layer.coefficients.shape == convolutions[layer_name].weight.shape


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
            assert convolution.bias is None or not convolution.bias.any()
            layer.coefficients.copy_(projected(layer, convolution.weight))

        torch.testing.assert_close(decomposed(images) / scale, expected / scale, rtol=0, atol=1e-10)


def test_the_composed_network_computes_the_same(case):
    _, model, _ = case
    decomposed = Classifier(decompose(copy.deepcopy(model).float(), "weight"), **IMAGENET).eval()
    plain = compose(decomposed)
    images = torch.rand(2, 3, 64, 64)

    assert not any(isinstance(module, DCTConv2d) for module in plain.modules())
    with torch.inference_mode():
        assert plain(images).shape == (2, 10)
        assert torch.equal(plain(images), decomposed(images))


@pytest.mark.parametrize("name", ["timm_resnet18", "timm_convnext_tiny", "lowres_efficientnet_b0"])
def test_a_decomposed_classifier_trains_at_64_x_64(name):
    torch.manual_seed(0)
    classifier = Classifier(decompose(build(name, 10), "weight"), **IMAGENET).train()
    logits = classifier(torch.rand(2, 3, 64, 64))
    (logits.logsumexp(1).sum() + frequency_penalty(classifier, "highest", 0.01, 1)).backward()

    layers = [module for module in classifier.modules() if isinstance(module, DCTConv2d)]
    assert all(layer.coefficients.grad.isfinite().all() for layer in layers)
    assert all(layer.coefficients.grad.any() for layer in layers)


def test_the_low_resolution_efficientnet():
    """Published are 5.3 million parameters, 5,288,548, at 1,000 classes of 1,280 weights and a bias each."""
    model = build("lowres_efficientnet_b0", 10).eval()
    sides = []
    model.conv_stem.register_forward_hook(lambda _module, _inputs, output: sides.append(output.shape[-1]))
    for stage in model.blocks:
        stage.register_forward_hook(lambda _module, _inputs, output: sides.append(output.shape[-1]))
    model(torch.rand(1, 3, 32, 32))
    normalisations = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]

    assert sides == [32, 32, 16, 8, 4, 4, 2, 2]
    assert sum(parameter.numel() for parameter in model.parameters()) == 5_288_548 - 990 * 1281
    assert {(module.eps, module.momentum) for module in normalisations} == {(1e-3, 0.01)}
    assert model.drop_rate == 0.2
    assert not torch.equal(*(model.train()(torch.ones(2, 3, 32, 32))))


def test_a_checkpoint_of_a_network_with_same_padding_comes_back(tmp_path):
    torch.manual_seed(0)
    classifier = Classifier(decompose(build("lowres_efficientnet_b0", 10), "weight"), **IMAGENET).eval()
    settings = {"architecture": "lowres_efficientnet_b0", "num_classes": 10, "decomposition": "weight"}
    save_checkpoint(tmp_path, classifier, {"classifier": settings | IMAGENET})
    loaded, _ = load_checkpoint(tmp_path / "run.json")
    images = torch.rand(1, 3, 32, 32)

    assert torch.equal(loaded(images), classifier(images))


def test_the_names_are_those_that_timm_lists():
    # In a process of its own: RobustBench, where it was imported, has added models.
    command = [sys.executable, "-c", "import timm; print(*timm.list_models())"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    assert timm_models.timm_names() == tuple(sorted(listed))


def test_the_tags_are_those_that_timm_lists():
    command = [sys.executable, "-c", "import timm; print(*timm.list_pretrained())"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    tags = timm_models.timm_tags()
    for name in listed:
        timm_models.check_timm_weights(name)
    spelt_out = [name for name in listed if name.partition(".")[2] in tags.get(name.partition(".")[0], ())]

    assert len(spelt_out) > 0.98 * len(listed)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet50.a1_in2k", "unknown weights 'resnet50.a1_in2k', timm's resnet50 has the tags .*a1_in1k"),
        ("resnt50.a1_in1k", "timm has no 'resnt50'"),
    ],
)
def test_unknown_weights_are_refused(name, message):
    with pytest.raises(InputError, match=message):
        timm_models.check_timm_weights(name)


def test_weights_are_drawn_anew():
    weights = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        weights.append(build("timm_resnet18", 10).conv1.weight)

    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm_resnt18", "unknown model 'timm_resnt18', timm has no 'resnt18': did you mean timm_resnet18 or "),
        ("timm_zzzzzzzz", "timm has no 'zzzzzzzz': timm.list_models() lists what it has"),
        ("timm_", "unknown model 'timm_'"),
        ("timm_resnet18.a1_in1k", "did you mean 'timm_resnet18'?"),
    ],
)
def test_an_unknown_name_is_refused_and_close_ones_are_offered(name, message):
    for call in (check_architecture, lambda name: build(name, 10)):
        with pytest.raises(InputError) as refusal:
            call(name)
        assert message in str(refusal.value)


def test_where_timm_is_missing_names_cannot_be_checked(monkeypatch):
    monkeypatch.setattr(timm_models, "timm_names", lambda: ())

    assert timm_models.check_timm_name("anything")


def test_checking_a_name_imports_neither_timm_nor_torch():
    code = (
        "import sys; from filterfreq.models.registry import check_architecture; "
        "check_architecture('timm_resnet18'); sys.exit('timm' in sys.modules or 'torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "scripts"})
