import pytest

from filterfreq.analysis.masking import masking_signs

# A model whose gradients are good: they break all that anything breaks, and everything at 64/255.
GOOD = {
    "8/255": {"adaptive": 0.3, "square": 0.4, "fgsm": 0.5, "noise": 0.8, "transfer": 0.6, "worst": 0.3},
    "64/255": {"adaptive": 0, "square": 0, "fgsm": 0.1, "noise": 0.5, "transfer": 0.2, "worst": 0},
}
NONE = dict.fromkeys(("above_square", "never_zero", "single_step", "noise", "transfer"), False)


def changed(epsilon: str, **values: float | None) -> dict:
    at = {key: value for key, value in {**GOOD[epsilon], **values}.items() if value is not None}
    return {**GOOD, epsilon: at}


def test_good_gradients_show_no_sign():
    assert masking_signs(GOOD, "linf") == {"8/255": NONE, "64/255": NONE}


@pytest.mark.parametrize(
    ("attack", "sign"),
    [
        ("square", "above_square"),
        ("square_eot", "above_square"),
        ("fgsm", "single_step"),
        ("noise", "noise"),
        ("transfer", "transfer"),
    ],
)
def test_an_attack_that_should_be_weaker_and_is_not_is_a_sign_at_its_epsilon(attack, sign):
    found = masking_signs(changed("8/255", **{attack: 0.29}), "linf")
    assert found == {"8/255": {**NONE, sign: True}, "64/255": NONE}
    equal = masking_signs(changed("8/255", **{attack: 0.3}), "linf")
    assert equal["8/255"] == NONE


def test_what_survives_the_largest_epsilon_is_a_sign_at_all():
    found = masking_signs(changed("64/255", adaptive=0.01, square=0.01), "linf")
    assert [signs["never_zero"] for signs in found.values()] == [True, True]
    assert masking_signs({"8/255": GOOD["8/255"]}, "linf")["8/255"]["never_zero"] is None
    assert masking_signs(GOOD, "l2")["64/255"]["never_zero"] is None


def test_what_was_not_measured_is_said():
    assert masking_signs(changed("8/255", noise=None), "linf")["8/255"] == {**NONE, "noise": None}
    without = masking_signs({"64/255": {"square": 0.2, "noise": 0.1}}, "linf")["64/255"]
    assert set(without.values()) == {None}
