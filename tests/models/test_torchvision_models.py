import subprocess
import sys

import pytest
import torch

from filterfreq.models.registry import build, check_architecture, libraries
from filterfreq.models.torchvision_models import check_torchvision_name, torchvision_weights
from filterfreq.runtime.errors import InputError

# The numbers of parameters that torchvision's documentation of the weights states.
PARAMETERS = {
    "torchvision_resnet18": 11_689_512,
    "torchvision_resnet50": 25_557_032,
    "torchvision_mobilenet_v2": 3_504_872,
    "torchvision_efficientnet_b0": 5_288_548,
    "torchvision_convnext_tiny": 28_589_128,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_models_have_the_published_numbers_of_parameters(name):
    with torch.device("meta"):
        model = build(name, 1000)

    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]


@pytest.mark.slow
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
