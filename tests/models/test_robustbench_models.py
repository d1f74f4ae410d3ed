import subprocess
import sys

import pytest
import torch

from filterfreq.models.registry import build, check_architecture, check_classes, libraries, normalisation
from filterfreq.models.robustbench_models import (
    CLASSES,
    check_robustbench_name,
    published_accuracies,
    robustbench_files,
    robustbench_paths,
)
from filterfreq.runtime.errors import InputError


def test_the_names_and_files_are_those_of_robustbench(zoo):
    expected = {}
    for key, models in zoo.items():
        ids = {name: model["gdrive_id"] for name, model in models.items()}
        expected[key] = {
            name: tuple(value) if isinstance(value, list) else (value,) for name, value in ids.items() if value
        }

    assert {key: robustbench_files(*key) for key in zoo} == expected
    assert len(expected["cifar10", "Linf"]) > 60


def test_published_accuracies_are_the_leaderboards():
    """Beside RobustBench's files model_info/<data set>/<threat model>/<name>.json."""
    linf, l2 = published_accuracies("cifar10", "Linf"), published_accuracies("cifar10", "L2")
    for found, (clean, robust), attack in (
        (linf["Carmon2019Unlabeled"], (0.8969, 0.5953), ("linf", "8/255")),
        # AutoAttack alone left 66.58 %.
        (linf["Rebuffi2021Fixing_70_16_cutmix_extra"], (0.9223, 0.6656), ("linf", "8/255")),
        (l2["Wang2023Better_WRN-28-10"], (0.9516, 0.8368), ("l2", "0.5")),
        (published_accuracies("cifar10", "corruptions")["Standard"], (0.9478, 0.7346), ("", "")),
        (published_accuracies("imagenet", "Linf")["Salman2020Do_R18"], (0.5292, 0.2532), ("linf", "4/255")),
    ):
        assert found[:2] == pytest.approx((clean, robust))
        assert found[2:] == attack
    # Every model that can be named has an entry.
    for dataset in CLASSES:
        for threat_model in ("Linf", "L2", "corruptions"):
            known = published_accuracies(dataset, threat_model)
            assert set(robustbench_files(dataset, threat_model)) <= set(known)
            assert all(0 <= number <= 1 for found in known.values() for number in found[:2])


def test_where_files_lie():
    """As robustbench.utils.load_model looks for them."""
    assert list(robustbench_paths("cifar10", "L2", "Standard")) == ["cifar10/L2/Standard.pt"]
    assert list(robustbench_paths("cifar10", "Linf", "Chen2020Adversarial")) == [
        f"cifar10/Linf/Chen2020Adversarial_m{number}.pt" for number in range(3)
    ]


def test_an_architecture_is_built_by_name_with_its_normalisation_inside():
    """Standard is a WideResNet-28-10 on images in [0, 1]; Rebuffi's ResNet-18 normalises them itself."""
    plain = build("robustbench_cifar10_Linf_Standard", 10).eval()
    normalising = build("robustbench_cifar10_L2_Rebuffi2021Fixing_R18_cutmix_ddpm", 10).eval()

    assert sum(parameter.numel() for parameter in plain.parameters()) == 36_479_194  # Zagoruyko and Komodakis: 36.5 M
    assert not hasattr(plain, "mean")
    assert normalising.mean.flatten().tolist() == pytest.approx([0.4914, 0.4822, 0.4465])
    with torch.inference_mode():
        assert normalising(torch.rand(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (("cifar10", "Linf", "Carmon2019"), "no such weights for cifar10 and Linf: did you mean Carmon2019Unlabeled?"),
        (("cifar10", "L2", "Carmon2019Unlabeled"), "unknown model 'Carmon2019Unlabeled', RobustBench has no such"),
        (("cifar100", "corruptions", "zzz"), "there are Addepalli"),
        (("cifar100", "L2", "Standard"), "for cifar100 and L2, nor any others"),
        (("imagenet", "Linf", "Standard_R50"), "unknown model 'Standard_R50'"),
    ],
)
def test_an_unknown_name_is_refused(key, message):
    with pytest.raises(InputError) as refusal:
        check_robustbench_name(*key)
    assert message in str(refusal.value)


def test_its_architecture_is_trained_on_images_without_a_second_normalisation():
    """As its counterpart that is trained on clean data, of the same constructor."""
    name = "robustbench_cifar10_Linf_Carmon2019Unlabeled"
    check_architecture(name)
    assert libraries(name) == ("robustbench", "timm", "torchvision")
    assert normalisation(name, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2)) == ([0, 0, 0], [1, 1, 1])
    assert normalisation("wideresnet_28_10", (0.5, 0.4, 0.3), (0.2, 0.2, 0.2)) == ([0.5, 0.4, 0.3], [0.2, 0.2, 0.2])


def test_it_has_the_classes_of_its_data_set_alone():
    name = "robustbench_cifar100_Linf_Rice2020Overfitting"
    check_classes(name, 100)
    with pytest.raises(InputError, match=f"{name} has 100 classes, not 10: take an architecture"):
        build(name, 10)


def test_checking_a_name_imports_neither_robustbench_nor_torch():
    code = (
        "import sys; from filterfreq.models.robustbench_models import check_robustbench_name; "
        "check_robustbench_name('cifar10', 'Linf', 'Standard'); "
        "sys.exit('robustbench' in sys.modules or 'torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "scripts"})
