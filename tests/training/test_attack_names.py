import pytest
import torch
from pyautoattack.autopgd_base import APGDAttack, APGDAttack_targeted

from filterfreq.publishing.attacks import attack_label
from filterfreq.training.attack_names import attack_name, fewest_classes, why_too_few_classes


@pytest.mark.parametrize(
    ("attack", "name", "label"),
    [
        ({"attack": "fgsm"}, "fgsm", "FGSM"),
        ({"attack": "fgsm", "random_start": False}, "fgsm", "FGSM"),
        ({"attack": "fgsm", "random_start": True}, "fgsm-from-random", "FGSM from a random point"),
        ({"attack": "pgd", "steps": 40}, "pgd-40", "PGD-40"),
        ({"attack": "pgd", "steps": 40, "random_start": True}, "pgd-40", "PGD-40"),
        ({"attack": "pgd", "steps": 40, "random_start": False}, "pgd-40-from-image", "PGD-40 from the image"),
    ],
)
def test_an_attack_says_a_start_that_is_not_the_usual_one(attack, name, label):
    assert attack_name(attack) == name
    assert attack_label(name) == label


def test_attacks_of_autoattack_have_their_names():
    assert attack_label("autoattack") == "AutoAttack"
    assert attack_label("apgd-ce+square") == "APGD-CE + Square"


@pytest.mark.parametrize(("attacks", "fewest"), [(["apgd-dlr"], 3), (["square", "apgd-t"], 4), (None, 4)])
def test_attacks_need_as_many_classes_as_their_losses_read_logits(attacks, fewest):
    assert fewest_classes(attacks) == fewest
    kind, loss = (APGDAttack, "dlr_loss") if attacks == ["apgd-dlr"] else (APGDAttack_targeted, "dlr_loss_targeted")
    attack = kind(lambda images: images, eps=0.1, norm="Linf", device="cpu")
    attack.y_target = torch.tensor([1])
    assert getattr(attack, loss)(torch.rand(1, fewest), torch.tensor([0])).isfinite()
    with pytest.raises(IndexError):
        getattr(attack, loss)(torch.rand(1, fewest - 1), torch.tensor([0]))


def test_attacks_without_such_losses_need_two_classes():
    assert fewest_classes(["apgd-ce", "fab", "fab-t", "square"]) == 2


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (
            2,
            "its attacks need at least 4 classes, and there are 2: write attacks: [apgd-ce, fab, fab-t, square], or "
            "some of these, in each entry of evaluation.datasets.own.autoattack, or autoattack: false in "
            "evaluation.datasets.own",
        ),
        (
            1,
            "its attacks need at least 4 classes, and there is 1: write autoattack: false in evaluation.datasets.own",
        ),
        (4, None),
    ],
)
def test_too_few_classes_are_told_with_what_remains(classes, said):
    assert why_too_few_classes([{"attacks": None}], classes, "own") == said
