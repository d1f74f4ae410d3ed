import pytest

from filterfreq.runtime.errors import InputError
from filterfreq.study.averaging_checks import check_averaging, check_defended_source

AVERAGING = {"directions": "random", "count": 15, "radius": 6}


@pytest.mark.parametrize(
    "variant",
    [
        {"post_averaging": AVERAGING},
        {"post_averaging": {**AVERAGING, "count": 0, "radius": 0}},
        {"post_averaging": {**AVERAGING, "second": {"directions": "approx", "count": 3, "lengths": [1]}}},
        {"randomised_smoothing": {"count": 90, "sigma": 0.5}},
        {"low_pass_kernels": {"below": 2}},
    ],
)
def test_averages_that_are_possible(variant):
    check_averaging("variants.a", variant)


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        (
            {"post_averaging": AVERAGING, "randomised_smoothing": {"count": 90, "sigma": 1}},
            "a: .* defence of a defence",
        ),
        (
            {"post_averaging": {**AVERAGING, "count": 0}},
            "a.post_averaging.count: 0 directions have no points .* radius: 0",
        ),
        ({"post_averaging": {**AVERAGING, "lengths": [1]}}, "a.post_averaging: give either radius or lengths"),
        ({"post_averaging": {"directions": "random", "count": 15}}, "a.post_averaging: give either radius or lengths"),
        (
            {"post_averaging": {**AVERAGING, "second": {"directions": "random", "count": 3}}},
            "a.post_averaging.second: give either radius or lengths",
        ),
        (
            {"post_averaging": {**AVERAGING, "radius": 0, "second": {"directions": "random", "count": 3, "radius": 1}}},
            "a.post_averaging.second: beside radius: 0",
        ),
        ({"randomised_smoothing": {"count": 90}}, "a.randomised_smoothing: give either sigma or radius"),
    ],
)
def test_averages_that_are_not(variant, said):
    with pytest.raises(InputError, match=f"^variants.{said}"):
        check_averaging("variants.a", variant)


def test_a_defence_of_a_defence():
    variants = {"d": {"from": "plain", "post_averaging": AVERAGING}, "low": {"from": "plain", "low_pass_kernels": {}}}
    said = "^variants.a.from: 'd' has post_averaging itself, .* defence of a defence: name what 'd' is made from"
    with pytest.raises(InputError, match=said):
        check_defended_source("variants.a", {"from": "d", "randomised_smoothing": {}}, "d", variants)
    check_defended_source("variants.a", {"from": "low", "post_averaging": AVERAGING}, "low", variants)
    check_defended_source("variants.a", {"from": "d", "low_pass_kernels": {}}, "d", variants)
