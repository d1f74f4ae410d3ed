import math

import numpy as np
import pytest
from scipy.stats import kendalltau

from filterfreq.analysis.learning_order import order_agreement, share_of_training, share_until, share_until_below

EPOCHS = np.array([0, 1, 2, 10])


@pytest.mark.parametrize(
    ("values", "reach", "above", "expected"),
    [
        ([0.0, 0.2, 0.6, 0.8], 0.5, 0, 0.15),  # 0.4 lies halfway between the epochs 1 and 2, of 10
        ([0.0, 0.4, 0.6, 0.8], 0.5, 0, 0.1),  # at a snapshot
        ([0.5, 0.4, 0.6, 0.8], 0.5, 0, 0.0),  # from the start on
        ([0.1, 0.1, 0.1, 0.9], 1, 0, 1.0),
        ([0.1, 0.1, 0.3, 0.5], 0.5, 0.1, 0.2),  # chance is no learning
        ([0.1, 0.1, 0.3, 0.5], 0.5, 0.0, 0.175),
        ([0.9, 0.7, 0.2, 0.1], 0.5, 0.9, 0.14),  # an error falls to 0.5
        ([0.1, 0.8, 0.2, 0.4], 0.9, 0, (0.26 / 0.7) / 10),  # the first time counts
    ],
)
def test_by_hand(values, reach, above, expected):
    assert share_until(EPOCHS, np.array(values), reach, above) == pytest.approx(expected)


def test_what_is_never_learned_has_none():
    assert math.isnan(share_until(EPOCHS, np.array([0.1, 0.2, 0.1, 0.1]), 0.5, 0.1))
    assert math.isnan(share_until(np.array([0]), np.array([0.3]), 0.5))


def test_one_snapshot_is_the_whole_training():
    assert share_until(np.array([3.0]), np.array([0.3]), 0.5) == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # In a line from 0.3 after 1 epoch to 0.05 after 4 of 10.
        ([0.9, 0.3, 0.05, 0.2], (1 + 3 * 0.2 / 0.25) / 10),
        ([0.05, 0.3, 0.05, 0.02], 0),
        ([0.9, 0.3, 0.2, 0.1], 1),
    ],
)
def test_when_a_measure_is_below_a_level_first(values, expected):
    epochs = np.array([0.0, 1, 4, 10])
    assert share_until_below(epochs, np.array(values), 0.1) == pytest.approx(expected)
    assert share_of_training(epochs, np.array(values), {"below": 0.1}) == pytest.approx(expected)
    assert math.isnan(share_until_below(np.array([0]), np.array([0.3]), 0.1))


@pytest.mark.parametrize("first", [[1, 2, 3, 4], [4, 1, 3, 2], [9, 7, 5, 1], [2, 1]])
def test_agreement_of_orders_without_ties_is_that_of_scipy(first):
    assert order_agreement(np.array(first, float)) == pytest.approx(kendalltau(range(len(first)), first).statistic)


def test_what_is_learned_at_once_or_never_counts_as_neither():
    assert order_agreement(np.array([5.0, 5.0])) == 0
    assert order_agreement(np.array([1.0, np.inf, np.inf])) == pytest.approx(2 / 3)
