import pytest

from filterfreq.attack_names import attack_name
from filterfreq.publishing.selection import attack_label


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
