import pytest
import torch
import torch.nn.functional as F
from torch import nn

from filterfreq.models.hfc_resnet import hfc_resnet
from filterfreq.models.surgery.decomposition import decompose


def described_outputs(images, state, depth):
    """The network of the released code, from its description, with TensorFlow's padding written out."""
    features = F.relu(F.conv2d(images, state["conv1.weight"], padding=state["conv1.weight"].shape[-1] // 2))
    for number in range((depth - 2) // 2):
        first, second = (state[f"blocks.{number}.conv{index}.weight"] for index in (1, 2))
        hidden = features if number == 0 else F.relu(features)
        if first.shape[0] != first.shape[1]:
            hidden = F.conv2d(F.pad(hidden, (0, 1, 0, 1)), first, stride=2)
            zeros = torch.zeros_like(features[:, : first.shape[1] // 2, ::2, ::2])
            features = torch.cat([zeros, F.avg_pool2d(features, 2), zeros], dim=1)
        else:
            hidden = F.conv2d(hidden, first, padding=1)
        features = features + F.conv2d(F.relu(hidden), second, padding=1)
    return F.linear(F.relu(features).mean(dim=(2, 3)), state["fc.weight"], state["fc.bias"])


@pytest.mark.parametrize(("depth", "stem"), [(8, 3), (14, 5)])
@pytest.mark.parametrize("side", [32, 28])
def test_outputs_are_those_of_its_description(depth, stem, side):
    torch.manual_seed(0)
    model = hfc_resnet(10, depth, stem).double()
    images = torch.rand(2, 3, side, side, dtype=torch.float64)
    torch.testing.assert_close(model(images), described_outputs(images, model.state_dict(), depth))


def test_it_has_the_parameters_of_the_released_network():
    model = hfc_resnet(10, 32)
    assert sum(parameter.numel() for parameter in model.parameters()) == 461_882
    assert [name for name, _ in model.named_parameters() if "bias" in name] == ["fc.bias"]
    assert sum(isinstance(module, nn.Conv2d) for module in model.modules()) == 31


def test_a_larger_stem_changes_the_first_kernel_alone():
    shapes, larger = ({n: p.shape for n, p in hfc_resnet(10, 32, stem).named_parameters()} for stem in (3, 5))
    assert {name for name in shapes if shapes[name] != larger[name]} == {"conv1.weight"}
    assert larger["conv1.weight"] == (16, 3, 5, 5)


def test_features_keep_their_size_through_the_blocks():
    torch.manual_seed(0)
    model, images = hfc_resnet(10, 32), torch.randn(16, 3, 32, 32)
    first = F.relu(model.conv1(images))
    assert 0.1 < model.blocks(first).std() / first.std() < 10


def test_it_can_be_decomposed():
    model = decompose(hfc_resnet(10, 8), "weight")
    assert model(torch.rand(2, 3, 32, 32)).shape == (2, 10)
    assert not any(isinstance(module, nn.Conv2d) for module in model.modules())
