import subprocess
import sys

import pytest
import torch

from filterfreq.models import dense, feedforward, hfc_resnet, preact_resnet, resnet
from filterfreq.models.registry import (
    FAMILIES,
    architecture_module,
    build,
    check_architecture,
    check_decomposable,
    check_plain_layers,
    has_relu,
    linear_units,
)
from filterfreq.models.surgery.convolution_normalisation import normalise
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


def test_architectures_with_layers_of_their_own_cannot_have_normalised_convolutions():
    check_plain_layers("resnet_20")
    with pytest.raises(InputError, match="lowres_efficientnet_b0 has layers that do more than torch's convolutions"):
        check_plain_layers("lowres_efficientnet_b0")


@pytest.mark.parametrize(
    "name",
    [
        *("resnet_8_4", "resnet_8_4_dw", "resnet_8_4_sp", "resnet_8_4_option_a", "preact_resnet_18", "hfc_resnet_8"),
        *("hfc_resnet_8_5x5", "lenet", "alexnet", "vgg_11", "lowres_resnet9", "lowres_efficientnet_b0"),
    ],
)
def test_what_is_said_of_plain_layers_is_what_normalising_them_finds(name):
    """So that a study is refused before its jobs: kernels are odd, and padding and stride the same on both axes."""
    model = build(name, 10)
    try:
        check_plain_layers(name)
    except InputError:
        with pytest.raises(InputError, match="cannot be normalised"):
            normalise(model, "convnorm", 32)
    else:
        normalise(model, "convnorm", 32)


def test_too_few_classes_are_refused():
    with pytest.raises(InputError, match="resnet_8 cannot have 1 classes"):
        build("resnet_8", 1)


EXAMPLES = [example for family in FAMILIES for example in family.examples]
HIDDEN = ["torchvision_alexnet", "torchvision_vgg11_bn", "torchvision_mobilenet_v3_small", "torchvision_squeezenet1_1"]


@pytest.mark.parametrize("name", [*EXAMPLES, *HIDDEN])
def test_what_is_known_of_linear_layers_and_relu_is_what_is_built(name):
    with torch.device("meta"):
        model = build(name, 7)
    units = tuple(module.out_features for module in model.modules() if isinstance(module, torch.nn.Linear))
    assert linear_units(name, 7) in (units, None)
    assert (linear_units(name, 7) is None) == name.startswith("timm_")
    assert linear_units(name, 0) is None
    if not has_relu(name):
        assert not any(isinstance(module, torch.nn.ReLU) for module in model.modules())


def test_of_models_that_see_places_the_units_depend_on_the_image():
    assert linear_units("torchvision_vit_b_16", 7) is None
    assert not has_relu("lowres_efficientnet_b0")
    assert has_relu("resnet_20")


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
