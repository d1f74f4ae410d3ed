import numpy as np
import pytest

from filterfreq.runtime.errors import InputError
from filterfreq.training.chosen import choose_images
from filterfreq.training.intervention import interventions_of

SIZES = (7, 20, 33)
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(3), SIZES))


def chosen(seed=0, **variant):
    return choose_images(interventions_of(variant), LABELS, seed)


def counts_by_class(indices):
    return np.bincount(LABELS[indices], minlength=3).tolist()


def test_a_fraction_is_of_each_class_and_a_part_of_a_larger_one():
    quarter, half = (chosen(data={"fraction": fraction}).trained for fraction in (0.25, 0.5))
    assert counts_by_class(quarter) == [1, 5, 8]
    assert counts_by_class(half) == [3, 10, 16]
    assert set(quarter) < set(half)
    assert (np.diff(half) > 0).all()
    assert np.array_equal(chosen(data={"fraction": 0.5}).trained, half)
    assert not np.array_equal(chosen(1, data={"fraction": 0.5}).trained, half)
    assert chosen(data={"fraction": 1}) == chosen() == (None, None)


def test_validation_is_held_out_unless_it_says_otherwise():
    trained, validation = chosen(validation={"fraction": 0.3})
    assert counts_by_class(validation) == [2, 6, 9]
    assert sorted([*trained, *validation]) == list(range(len(LABELS)))
    trained, same = chosen(validation={"fraction": 0.3, "held_out": False})
    assert trained is None
    assert np.array_equal(same, validation)


def test_both_are_parts_of_one_order():
    """A fraction has what it had without a validation, but for what is validated with."""
    validation = {"fraction": 0.3}
    alone, both = chosen(data={"fraction": 0.5}).trained, chosen(data={"fraction": 0.5}, validation=validation)
    assert np.array_equal(both.trained, alone)
    larger, held = chosen(data={"fraction": 0.9}).trained, chosen(data={"fraction": 0.9}, validation=validation)
    assert np.array_equal(held.trained, np.setdiff1d(larger, held.validation))


@pytest.mark.parametrize("key", ["data", "validation"])
def test_a_class_without_an_image_is_refused(key):
    with pytest.raises(InputError, match=rf"^{key}\.fraction .* none of the 7 training images of class 0: raise it"):
        chosen(**{key: {"fraction": 0.1}})
