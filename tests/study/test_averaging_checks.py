from copy import deepcopy

import pytest
from study_configs import SCHEMA, put

from filterfreq.runtime.errors import InputError
from filterfreq.study.averaging_checks import check_averaging, check_defended_source
from filterfreq.study.study import Study

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


def study_with(config, **averaging):
    """The demo, whose model has ten linear units for the ten classes, with an average."""
    put(config, "variants/averaged", {"from": "plain", "post_averaging": {**AVERAGING, **averaging}})
    config["experiments"]["demo"]["variants"].append("averaged")
    return Study(config, SCHEMA)


@pytest.mark.parametrize("directions", ["approx", "exact"])
def test_more_directions_than_units_are_refused_at_planning(config, directions):
    assert study_with(deepcopy(config), directions=directions, count=10).runs
    said = (
        f"^experiments.demo: 'averaged' of resnet_8_8 on texdigits: post_averaging: 11 directions {directions} lead "
        "across 11 units of linear layers, and the model has 10: write a count of at most 10, or directions: random$"
    )
    with pytest.raises(InputError, match=said):
        study_with(config, directions=directions, count=11)


def test_the_second_average_and_those_of_sweeps_are_looked_at_too(config):
    second = {"directions": "approx", "count": 12, "radius": 1}
    with pytest.raises(InputError, match=r"texdigits: post_averaging\.second: 12 directions approx lead"):
        study_with(deepcopy(config), second=second)
    config["experiments"]["demo"]["sweep"] = {"post_averaging.count": [2, 40]}
    with pytest.raises(InputError, match=r"'averaged_count-40' of resnet_8_8 on texdigits: .* 40 directions approx"):
        study_with(config, directions="approx", count=3)


def test_a_model_without_linear_layers_is_refused_at_planning(config):
    config["experiments"]["demo"]["models"] = ["torchvision_squeezenet1_1"]
    said = "'averaged' of torchvision_squeezenet1_1 on texdigits: post_averaging: the model has no linear layer"
    with pytest.raises(InputError, match=said):
        study_with(config, directions="approx", count=1)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("unit", "both averages have one unit: write unit beside second and not in it"),
        ("vote", "both averages vote in one way: write vote beside second and not in it"),
    ],
)
def test_what_both_averages_share_is_written_beside_the_second(config, key, said):
    second = {"directions": "random", "count": 3, "radius": 1, key: "pixels"}
    with pytest.raises(InputError, match=f"^variants.averaged.post_averaging.second: {said}$"):
        study_with(config, second=second)
