import pytest

from filterfreq.runtime.errors import InputError
from filterfreq.training.fractions import (
    ceil_of,
    check_fractions,
    floor_of,
    most_trained_images,
    most_validation_images,
)


@pytest.mark.parametrize(
    ("fraction", "count", "floor", "ceil"), [(0.29, 100, 29, 29), (0.07, 100, 7, 7), (0.1, 15, 1, 2)]
)
def test_fractions_are_those_that_are_written(fraction, count, floor, ceil):
    assert floor_of(fraction, count) == floor
    assert ceil_of(fraction, count) == ceil


@pytest.mark.parametrize(
    ("variant", "most"),
    [
        ({}, 50_000),
        ({"data": {"fraction": 0.1}}, 5000),
        ({"validation": {"fraction": 0.1, "held_out": False}}, 50_000),
        # Classes of unequal sizes may round down what is held out by one image each, but for one of them.
        ({"validation": {"fraction": 0.1}}, 45_009),
        ({"data": {"fraction": 0.1}, "validation": {"fraction": 0.1}}, 5000),
    ],
)
def test_how_many_images_are_trained_on_at_most(variant, most):
    assert most_trained_images(50_000, 10, variant) == most


def test_how_many_images_are_validated_with_at_most():
    assert most_validation_images(50_000, {"validation": {"fraction": 0.1}}) == 5000
    assert most_validation_images(50_000, {"data": {"fraction": 0.1}}) == 0


@pytest.mark.parametrize("key", ["data", "validation"])
def test_a_fraction_of_fewer_images_than_classes_is_refused(key):
    variant = {key: {"fraction": 0.09}}
    with pytest.raises(
        InputError, match=rf"^variants\.few\.{key}\.fraction: 0\.09 of 100 .* 10 classes: set it to 0\.1 or"
    ):
        check_fractions("variants.few", variant, 100, 10)
    check_fractions("variants.few", {key: {"fraction": 0.1}}, 100, 10)
    check_fractions("variants.few", variant, None, 10)
    check_fractions("variants.few", variant, 100, 0)
