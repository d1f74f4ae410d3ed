import pytest
import torch
import torchvision
from torch import nn

from filterfreq.models.feedforward import VGG_LAYERS, alexnet, lenet, vgg
from filterfreq.models.image_size import check_image_size
from filterfreq.runtime.errors import InputError


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("build", "parameters"),
    [
        # LeNet-5 with one channel has 61,706; each further one adds a 5 x 5 plane to six filters.
        (lenet, 61_706 + 2 * 6 * 25),
        (alexnet, 1_387_786),  # Zhang et al., ICLR 2017, Table 1
    ],
)
def test_parameters_are_those_published(build, parameters):
    assert count(build(10)) == parameters


@pytest.mark.parametrize("depth", VGG_LAYERS)
def test_vgg_has_the_convolutions_of_torchvisions(depth):
    torch.manual_seed(0)
    model, theirs = vgg(10, depth).eval(), torchvision.models.get_model(f"vgg{depth}").eval().features
    assert count(model) == count(theirs) + 512 * 10 + 10
    assert [type(layer) for layer in model.features] == [type(layer) for layer in theirs]
    theirs.load_state_dict(model.features.state_dict())
    images = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(model(images), model.fc(theirs(images).flatten(1)))


@pytest.mark.parametrize("build", [lenet, alexnet, lambda classes: vgg(classes, 11)])
@pytest.mark.parametrize("side", [28, 32])
def test_images_of_28_and_32_pixels_pass(build, side):
    logits = build(7)(torch.rand(2, 3, side, side))
    assert logits.shape == (2, 7)
    assert (logits[0] != logits[1]).all()


def test_lenet_gives_small_images_a_border():
    torch.manual_seed(0)
    model, images = lenet(10), torch.rand(2, 3, 28, 28)
    framed = torch.zeros(2, 3, 32, 32)
    framed[:, :, 2:30, 2:30] = images
    assert torch.equal(model(images), model(framed))


def test_lenet_refuses_larger_images():
    with pytest.raises(InputError, match="lenet does not take the images of d, 64 x 64 pixels"):
        check_image_size("lenet", lenet(10), 64, "d")


def test_alexnet_pools_and_normalises_as_tensorflow_does():
    """Windows of 3 with a stride of 2 reach over the edge on the right; each channel is divided by nine round it."""
    torch.manual_seed(0)
    model = alexnet(10).double()
    features = torch.rand(1, 64, 28, 28, dtype=torch.float64)
    shapes = []
    model.response_norm.register_forward_hook(lambda _layer, inputs, _output: shapes.append(inputs[0].shape[2:]))
    model(torch.rand(1, 3, 28, 28, dtype=torch.float64))
    assert shapes == [(14, 14), (7, 7)]
    padded = nn.functional.pad(features.square(), (0, 0, 0, 0, 4, 4))
    sums = sum(padded[:, start : start + 64] for start in range(9))
    torch.testing.assert_close(model.response_norm(features), features / (1 + 0.001 / 9 * sums) ** 0.75)
