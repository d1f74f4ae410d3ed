import pytest
import torch
from torch import nn
from torch.nn import functional as F

from filterfreq.models.resnet import (
    cifar_resnet,
    cifar_resnet_dw,
    cifar_resnet_option_a,
    cifar_resnet_sp,
    lowres_resnet9,
)
from filterfreq.models.surgery.decomposition import DCTConv2d, decompose
from filterfreq.runtime.errors import InputError


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def batch_norm(channels):
    return 2 * channels


def expected_cifar(blocks, width, classes):
    """Count the parameters of the paper's table: stem, three stages, option B shortcuts, linear layer."""
    total = 27 * width + batch_norm(width)
    previous = width
    for channels in (width, 2 * width, 4 * width):
        first = 9 * previous * channels + 9 * channels**2 + 2 * batch_norm(channels)
        other = 18 * channels**2 + 2 * batch_norm(channels)
        shortcut = previous * channels + batch_norm(channels) if previous != channels else 0
        total += first + shortcut + (blocks - 1) * other
        previous = channels
    return total + 4 * width * classes + classes


def test_published_parameter_counts():
    assert count(cifar_resnet(10, 20)) == 272_474
    assert count(lowres_resnet9(10)) == 6_573_120


@pytest.mark.parametrize(("depth", "width", "classes"), [(8, 16, 10), (14, 4, 100), (32, 8, 10), (56, 16, 10)])
def test_parameters_follow_depth_and_width(depth, width, classes):
    assert count(cifar_resnet(classes, depth, width)) == expected_cifar((depth - 2) // 6, width, classes)


def separated(total, blocks, width, cost):
    """Return the parameters when each 3 x 3 convolution from a to b channels has cost(a, b) instead of 9 a b."""
    layers, previous = [(3, width)], width
    for channels in (width, 2 * width, 4 * width):
        layers += [(previous, channels)] + [(channels, channels)] * (2 * blocks - 1)
        previous = channels
    return total + sum(cost(a, b) - 9 * a * b for a, b in layers)


@pytest.mark.parametrize(("depth", "width"), [(20, 16), (8, 4)])
def test_parameters_of_depthwise_and_separable_convolutions(depth, width):
    blocks = (depth - 2) // 6
    total = expected_cifar(blocks, width, 10)

    depthwise = separated(total, blocks, width, lambda a, b: 9 * a + batch_norm(a) + a * b)
    assert count(cifar_resnet_dw(10, depth, width)) == depthwise
    assert count(cifar_resnet_sp(10, depth, width)) == separated(
        total, blocks, width, lambda a, b: 3 * a * b + 3 * b * b
    )


def test_the_published_parameter_count_without_shortcut_parameters():
    assert count(cifar_resnet_option_a(10, 20)) == 269_722


@pytest.mark.parametrize("builder", [cifar_resnet_dw, cifar_resnet_sp])
@pytest.mark.parametrize(("stage", "stride"), [("layer1", 1), ("layer2", 2)])
def test_the_parts_of_a_separated_convolution_are_one_3_x_3_convolution(builder, stage, stride):
    torch.manual_seed(0)
    layer = builder(10, 8, 4).double().eval().get_submodule(stage)[0].conv1
    images = torch.randn(2, 4, 9, 11, dtype=torch.float64)
    if builder is cifar_resnet_dw:
        layer.bn.eps = 0.0  # in eval mode a new batch normalisation is then the identity
        weight = layer.pointwise.weight * layer.spatial.weight.transpose(0, 1)
    else:
        horizontal, vertical = layer.horizontal.weight[:, :, 0], layer.vertical.weight[:, :, :, 0]
        weight = torch.einsum("omr,mic->oirc", vertical, horizontal)

    expected = F.conv2d(images, weight, stride=stride, padding=1)
    torch.testing.assert_close(layer(images), expected, rtol=0, atol=1e-12)


def test_an_option_a_shortcut_is_every_second_pixel_between_channels_of_zeros():
    block = cifar_resnet_option_a(10, 8, 4).layer2[0].eval()
    nn.init.zeros_(block.conv2.weight)
    features = torch.randn(2, 4, 8, 8)

    expected = torch.zeros(2, 8, 4, 4)
    expected[:, 2:6] = features[:, :, ::2, ::2].relu()
    torch.testing.assert_close(block(features), expected)


def test_of_depthwise_networks_the_depthwise_convolutions_are_decomposed():
    model = cifar_resnet_dw(10, 8, 4)
    spatial = {name for name, module in model.named_modules() if getattr(module, "kernel_size", None) == (3, 3)}
    decompose(model, "weight")
    layers = {name: module for name, module in model.named_modules() if isinstance(module, DCTConv2d)}

    assert len(layers) == 7
    assert layers.keys() == spatial
    assert layers["layer2.0.conv1.spatial"].coefficients.shape == (4, 1, 3, 3)
    assert model(torch.rand(2, 3, 32, 32)).shape == (2, 10)


def test_separable_networks_have_nothing_to_decompose():
    with pytest.raises(InputError, match="nothing to decompose: no convolution of the model has both kernel sides"):
        decompose(cifar_resnet_sp(10, 8, 4), "weight")


def test_the_depth_counts_convolutions_and_the_linear_layer():
    model = cifar_resnet(10, 20)
    layers = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and "shortcut" not in name
    ]

    assert len(layers) == 20
    assert layers[:3] == ["conv1", "layer1.0.conv1", "layer1.0.conv2"]


def test_resolutions_and_channels_of_the_stages():
    model = cifar_resnet(10, 8)
    shapes = []
    for stage in (model.layer1, model.layer2, model.layer3):
        stage.register_forward_hook(lambda _module, _inputs, output: shapes.append(tuple(output.shape)))
    model(torch.rand(2, 3, 32, 32))

    assert shapes == [(2, 16, 32, 32), (2, 32, 16, 16), (2, 64, 8, 8)]


def test_a_block_adds_its_input():
    block = cifar_resnet(10, 8).layer1[0].eval()
    nn.init.zeros_(block.conv2.weight)
    features = torch.randn(2, 16, 8, 8)

    torch.testing.assert_close(block(features), features.relu())


def test_resnet9_has_eight_convolutions_and_no_bias():
    model = lowres_resnet9(10)
    channels = [module.out_channels for module in model.modules() if isinstance(module, nn.Conv2d)]

    assert channels == [64, 128, 128, 128, 256, 512, 512, 512]
    assert model.fc.bias is None
    assert all(module.bias is None for module in model.modules() if isinstance(module, nn.Conv2d))


@pytest.mark.parametrize(
    ("pair", "following", "shape"), [("residual1", "conv3", (2, 128, 16, 16)), ("residual2", "fc", (2, 512, 4, 4))]
)
def test_resnet9_residual_pairs_add_their_input(pair, following, shape):
    model = lowres_resnet9(10).eval()
    seen = {}
    pairs, followers = model.get_submodule(pair), model.get_submodule(following)
    pairs.register_forward_hook(lambda _module, inputs, output: seen.update(total=inputs[0] + output))
    followers.register_forward_hook(lambda _module, inputs, _output: seen.update(after=inputs[0]))
    logits = model(torch.rand(2, 3, 32, 32))

    assert logits.shape == (2, 10)
    assert seen["total"].shape == shape
    expected = seen["total"].amax(dim=(2, 3)) if following == "fc" else seen["total"]
    assert torch.equal(seen["after"], expected)


def test_convolutions_start_kaiming_normal():
    torch.manual_seed(0)
    weight = lowres_resnet9(10).residual2[0].conv.weight.detach()

    assert weight.std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)
    fourth_moment = (weight**4).mean() / (weight**2).mean() ** 2
    assert fourth_moment.item() == pytest.approx(3, rel=0.02)  # a normal distribution's; a uniform one's is 1.8
