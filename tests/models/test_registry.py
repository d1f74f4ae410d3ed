import subprocess
import sys

import pytest
import torch

from filterfreq.models import dense, feedforward, hfc_resnet, preact_resnet, resnet
from filterfreq.models.registry import FAMILIES, architecture_module, build, check_architecture, check_decomposable
from filterfreq.runtime.errors import InputError


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("resnet_8", resnet.CIFARResNet),
        ("resnet_14_8", resnet.CIFARResNet),
        ("resnet_8_dw", resnet.CIFARResNet),
        ("resnet_18", resnet.CIFARResNet),
        ("resnet_8_4_sp", resnet.CIFARResNet),
        ("resnet_14_option_a", resnet.CIFARResNet),
        ("lowres_resnet9", resnet.LowResResNet9),
        ("preact_resnet_18", preact_resnet.PreActResNet),
        ("wideresnet_10_1", preact_resnet.PreActResNet),
        ("hfc_resnet_8", hfc_resnet.HFCResNet),
        ("hfc_resnet_8_5x5", hfc_resnet.HFCResNet),
        ("lenet", feedforward.LeNet),
        ("alexnet", feedforward.AlexNet),
        ("vgg_11", feedforward.VGG),
        ("vgg_11_fc_8", feedforward.VGG),
        ("mlp_9_8_tanh", dense.MultilayerPerceptron),
        ("cnn_4_5p_fc_9", dense.ConvolutionalNetwork),
    ],
)
def test_names_build_their_architecture(name, kind):
    check_architecture(name)
    model = build(name, 7)

    assert isinstance(model, kind)
    assert model(torch.rand(2, 3, 32, 32)).shape == (2, 7)


def test_all_examples_exist():
    for family in FAMILIES:
        for name in family.examples:
            check_architecture(name)


@pytest.mark.parametrize(
    "name",
    [
        "resnet_2",
        "resnet_9",
        "resnet_18_16",
        "resnet_34",
        "resnet_020",
        "resnet_20_0",
        "resnet_20_",
        "resnet_21_dw",
        "resnet_20_dw_16",
        "resnet",
        "wideresnet_28",
        "wideresnet_26_10",
        "wideresnet_4_10",
        "xresnet_20",
        "hfc_resnet_30",
        "hfc_resnet_32_3x3",
        "hfc_resnet_32_5x7",
        "vgg",
        "vgg_12",
        "lenet_5",
        "",
        3,
    ],
)
def test_unknown_names_are_refused_with_the_forms_there_are(name):
    for call in (check_architecture, lambda name: build(name, 10)):
        with pytest.raises(InputError) as refusal:
            call(name)
        assert repr(name) in str(refusal.value)
        assert "resnet_N_W" in str(refusal.value)


@pytest.mark.parametrize(("name", "close"), [("resnet20", "resnet_20"), ("lowres_resnet_9", "lowres_resnet9")])
def test_close_names_are_offered(name, close):
    with pytest.raises(InputError, match=f"did you mean '{close}'"):
        check_architecture(name)


def test_separable_architectures_cannot_be_decomposed():
    check_decomposable("resnet_20_dw")
    with pytest.raises(InputError, match="resnet_20_16_sp has nothing to decompose"):
        check_decomposable("resnet_20_16_sp")


def test_too_few_classes_are_refused():
    with pytest.raises(InputError, match="resnet_8 cannot have 1 classes"):
        build("resnet_8", 1)


def test_checking_names_imports_no_torch():
    code = (
        "import sys; from filterfreq.models.registry import check_architecture; "
        "check_architecture('resnet_20'); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "scripts"})


def test_equal_seeds_build_equal_weights():
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        states.append(build("resnet_8_4", 10).state_dict())

    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["conv1.weight"], states[2]["conv1.weight"])


def test_the_module_of_an_architecture_is_named():
    assert architecture_module("resnet_20_8") == architecture_module("lowres_resnet9") == resnet.__name__
    with pytest.raises(InputError, match="unknown model"):
        architecture_module("vgg")
