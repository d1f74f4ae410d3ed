import warnings

import pytest
import torch
from torch import nn

from filterfreq.models.registry import build
from filterfreq.models.robustbench_models import register_autoattack
from filterfreq.models.surgery.decomposition import DCTConv2d, decompose


@pytest.fixture(scope="module")
def robustbench():
    """RobustBench's two modules of architectures, an implementation by others."""
    register_autoattack()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports
        from robustbench.model_zoo.architectures import resnet, wide_resnet

    return {
        "wideresnet_10_2": lambda: wide_resnet.WideResNet(10, num_classes=10, widen_factor=2),
        "wideresnet_16_1": lambda: wide_resnet.WideResNet(16, num_classes=10, widen_factor=1),
        "preact_resnet_18": lambda: resnet.PreActResNet(
            resnet.PreActBlock, [2, 2, 2, 2], bn_before_fc=True, out_shortcut=True
        ),
        "resnet_18": lambda: resnet.ResNet(resnet.BasicBlock, [2, 2, 2, 2]),
    }


@pytest.mark.parametrize("name", ["wideresnet_10_2", "wideresnet_16_1", "preact_resnet_18", "resnet_18"])
def test_outputs_equal_those_of_robustbench(robustbench, name):
    torch.manual_seed(0)
    theirs, ours = robustbench[name]().double(), build(name, 10).double()
    images = torch.rand(4, 3, 32, 32, dtype=torch.float64)
    theirs.train()(images)  # the running statistics leave their initial values
    # Both name the layers in the order of the forward pass.
    copied = zip(ours.state_dict(), theirs.state_dict().values(), strict=True)
    ours.load_state_dict(dict(copied))

    torch.testing.assert_close(ours.eval()(images), theirs.eval()(images), rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("name", "classes", "millions"),
    [
        # Liu et al., NeurIPS 2021, released code
        ("resnet_18", 10, 11.173962),
        # Zagoruyko and Komodakis, BMVC 2016, Table 4
        ("wideresnet_40_1", 10, 0.6),
        ("wideresnet_40_2", 10, 2.2),
        ("wideresnet_40_4", 10, 8.9),
        ("wideresnet_28_10", 10, 36.5),
        ("wideresnet_16_8", 10, 11.0),
    ],
)
def test_published_parameter_counts(name, classes, millions):
    with torch.device("meta"):
        model = build(name, classes)

    assert sum(parameter.numel() for parameter in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)


def test_the_depth_of_a_wide_resnet_counts_convolutions():
    model = build("wideresnet_16_2", 10)
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]

    # The 16 are the first, 12 of the blocks and 3 of the shortcuts, if the first stage is wider than the stem.
    assert len(convolutions) == 16
    assert [module.out_channels for module in convolutions if module.kernel_size == (1, 1)] == [32, 64, 128]


@pytest.mark.parametrize(("name", "layers"), [("wideresnet_10_2", 7), ("preact_resnet_18", 17)])
def test_all_but_the_shortcuts_are_decomposed(name, layers):
    model = decompose(build(name, 10), "weight")

    assert sum(isinstance(module, DCTConv2d) for module in model.modules()) == layers
    assert model(torch.rand(2, 3, 64, 64)).shape == (2, 10)
