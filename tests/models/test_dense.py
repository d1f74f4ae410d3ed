import pytest
import torch
from torch import nn

from filterfreq.models.dense import MultilayerPerceptron
from filterfreq.models.image_size import check_image_size
from filterfreq.models.registry import build, check_decomposable
from filterfreq.runtime.errors import InputError


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # Inputs times outputs plus outputs, layer by layer; feature maps shrink by 2 pixels and are halved by pooling.
        ("mlp_400_200_tanh_grey28", 785 * 400 + 401 * 200 + 201 * 10),
        ("mlp_400_200", 3073 * 400 + 401 * 200 + 201 * 10),
        ("mlp_7", 3073 * 7 + 8 * 10),
        (
            "cnn_64p_128p_fc_800_400_400_400",
            28 * 64 + (64 * 9 + 1) * 128 + (128 * 6 * 6 + 1) * 800 + 801 * 400 + 2 * 401 * 400 + 401 * 10,
        ),
        ("cnn_32p_64p_fc_400", 28 * 32 + (32 * 9 + 1) * 64 + (64 * 6 * 6 + 1) * 400 + 401 * 10),
        ("cnn_32_64p_fc_400_tanh", 28 * 32 + (32 * 9 + 1) * 64 + (64 * 14 * 14 + 1) * 400 + 401 * 10),
        ("vgg_16_fc_1024", 14_714_688 + 513 * 1024 + 1025 * 10),  # that of the convolutions, as torchvision's
    ],
)
def test_the_papers_networks_have_so_many_parameters(name, parameters):
    assert sum(parameter.numel() for parameter in build(name, 10).parameters()) == parameters


@pytest.mark.parametrize(
    "name", ["mlp_20_9_tanh", "mlp_20_grey28", "cnn_4p_5p_fc_9_8", "cnn_4_5p_fc_9_tanh", "vgg_11_fc_8"]
)
@pytest.mark.parametrize("side", [28, 32])
def test_images_of_28_and_32_pixels_pass(name, side):
    torch.manual_seed(0)
    model = build(name, 7)
    logits = model(torch.rand(2, 3, side, side))
    assert logits.shape == (2, 7)
    assert (logits[0] != logits[1]).all()
    kinds = {type(layer) for layer in model.modules()}
    assert (nn.Tanh in kinds, nn.ReLU in kinds) == (("tanh" in name), ("tanh" not in name))
    if not name.startswith("vgg"):
        with pytest.raises(InputError, match=f"{name} does not take the images of d, 64 x 64 pixels"):
            check_image_size(name, model, 64, "d")


def test_a_grey_network_sees_the_mean_of_the_channels_scaled_linearly():
    model = MultilayerPerceptron(2, [5], grey28=True)
    ramp = torch.linspace(0, 31, 32).repeat(32, 1)
    images = torch.stack([ramp - 3, ramp, ramp + 3])[None]
    seen = []
    model.layers.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(images)
    # The centre of each of 28 pixels, on the axis of 32, whose pixels reach half a pixel to each side.
    expected = ((torch.arange(28) + 0.5) * 32 / 28 - 0.5).repeat(28, 1)
    torch.testing.assert_close(seen[0], expected.flatten()[None], rtol=0, atol=1e-5)
    assert set(model.state_dict()) == {f"layers.{n}.{key}" for n in (0, 2) for key in ("weight", "bias")}


@pytest.mark.parametrize(
    "name", ["mlp", "mlp_0", "mlp_400_grey28_tanh", "cnn_32_fc", "cnn_p_fc_9", "cnn_8p_8p_8p_8p_8p_fc_9"]
)
def test_other_names_are_refused(name):
    with pytest.raises(InputError, match=f"unknown model '{name}'"):
        build(name, 10)


def test_fully_connected_layers_have_nothing_to_decompose():
    with pytest.raises(InputError, match="mlp_400_200 has nothing to decompose"):
        check_decomposable("mlp_400_200")
