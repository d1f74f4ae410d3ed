import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from filterfreq.models.classifier import Classifier
from filterfreq.models.registry import build
from filterfreq.models.surgery.composition import compose
from filterfreq.models.surgery.decomposition import DCTConv2d, decompose
from filterfreq.models.surgery.normalisation import ChannelBias, set_normalisation
from filterfreq.runtime.errors import InputError

IMAGES = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def normalised(backbone, method):
    return set_normalisation(Classifier(backbone, [0.5] * 3, [0.25] * 3), method).backbone


def kinds(model, kind):
    return [module for module in model.modules() if isinstance(module, kind)]


@pytest.mark.parametrize("name", ["lenet", "alexnet", "vgg_11"])
def test_each_convolution_gets_a_batch_normalisation_behind_it(name):
    torch.manual_seed(0)
    plain = build(name, 10)
    changed = normalised(copy.deepcopy(plain), "batch")
    convolutions = kinds(plain, nn.Conv2d)
    assert [norm.num_features for norm in kinds(changed, nn.BatchNorm2d)] == [one.out_channels for one in convolutions]
    # A network whose convolutions are normalised by hand gives the same.
    for convolution in convolutions:
        convolution.register_forward_hook(
            lambda _layer, _inputs, output: F.batch_norm(output, None, None, training=True)
        )
    torch.testing.assert_close(changed.train()(IMAGES), plain.train()(IMAGES))


def test_a_pre_activation_network_is_normalised_before_each_relu():
    torch.manual_seed(0)
    model = normalised(build("hfc_resnet_8", 10), "batch").train()
    assert len(kinds(model, nn.BatchNorm2d)) == 1 + 2 * 3 - 1 + 1
    outputs = {}
    for name, layer in model.named_modules():
        layer.register_forward_hook(lambda _layer, _inputs, output, name=name: outputs.__setitem__(name, output))
    model(IMAGES)
    for block in ("blocks.1", "blocks.2"):
        before = outputs[f"blocks.{int(block[-1]) - 1}"]
        torch.testing.assert_close(outputs[f"{block}.norm1"], F.batch_norm(before, None, None, training=True))
        assert torch.equal(outputs[f"{block}.relu1"], F.relu(outputs[f"{block}.norm1"]))
        hidden = F.batch_norm(outputs[f"{block}.conv1"], None, None, training=True)
        torch.testing.assert_close(outputs[f"{block}.norm2"], hidden)
    # The first block begins with what has passed a ReLU.
    torch.testing.assert_close(outputs["norm1"], F.batch_norm(outputs["conv1"], None, None, training=True))
    assert torch.equal(outputs["blocks.0.pad1"], F.relu(outputs["norm1"]))


def test_dct_layers_are_normalised_too():
    model = normalised(decompose(build("vgg_11", 10), "weight"), "batch")
    assert len(kinds(model, DCTConv2d)) == len(kinds(model, nn.BatchNorm2d)) == 8
    composed = compose(model.eval())
    torch.testing.assert_close(composed(IMAGES), model(IMAGES), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["resnet_8_4", "preact_resnet_18", "resnet_8_4_dw"])
def test_a_bias_of_each_channel_is_left_of_a_batch_normalisation(name):
    torch.manual_seed(0)
    plain = build(name, 10)
    changed = normalised(copy.deepcopy(plain), "none")
    norms = kinds(plain, nn.BatchNorm2d)
    assert norms
    assert not kinds(changed, nn.BatchNorm2d)
    assert [len(one.bias) for one in kinds(changed, ChannelBias)] == [norm.num_features for norm in norms]
    # Statistics and scale of one leave the shift: of a network in evaluation it is the same.
    biases = zip(norms, kinds(changed, ChannelBias), strict=True)
    for norm, bias in biases:
        norm.eps = 0.0
        nn.init.normal_(norm.bias)
        bias.bias = nn.Parameter(norm.bias.detach().clone())
    torch.testing.assert_close(changed.eval()(IMAGES), plain.eval()(IMAGES), rtol=1e-4, atol=1e-4)


def test_behind_a_convolution_it_is_the_convolutions_bias():
    model = normalised(nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)), "none")
    nn.init.normal_(model[1].bias)
    torch.testing.assert_close(model(IMAGES), F.conv2d(IMAGES, model[0].weight, model[1].bias))
    vectors = normalised(nn.Sequential(nn.BatchNorm1d(3)), "none")
    assert vectors(torch.ones(2, 3)).shape == (2, 3)


@pytest.mark.parametrize(("name", "method"), [("resnet_8_4", "batch"), ("lenet", "none"), ("hfc_resnet_8", "none")])
def test_a_network_that_is_so_stays(name, method):
    model = build(name, 10)
    before = repr(model)
    assert repr(normalised(model, method)) == before


@pytest.mark.parametrize("name", ["lenet", "hfc_resnet_8", "resnet_8_4"])
def test_the_weights_stay_as_they_were_drawn(name):
    states = []
    for method in ("none", "batch"):
        torch.manual_seed(0)
        model = normalised(build(name, 10), method)
        states.append([module.weight for module in kinds(model, nn.Conv2d | nn.Linear)])
    assert all(torch.equal(*pair) for pair in zip(*states, strict=True))


def test_what_cannot_be_normalised_is_refused():
    with pytest.raises(InputError, match="normalisation: the model has no convolution to normalise behind"):
        normalised(nn.Sequential(nn.Flatten(), nn.Linear(3, 2)), "batch")
    with pytest.raises(InputError, match="unknown normalisation 'bach': did you mean 'batch'"):
        normalised(nn.Linear(3, 2), "bach")

    class Other(nn.BatchNorm2d):
        pass

    with pytest.raises(InputError, match="layer 1 is a Other, which may do more than normalise: leave"):
        normalised(nn.Sequential(nn.Conv2d(3, 4, 3), Other(4)), "none")
