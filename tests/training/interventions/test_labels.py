import numpy as np
import pytest

from filterfreq.training.intervention import changed_labels, interventions_of

OWN = np.repeat(np.arange(10), 50)


def shuffled(seed):
    return changed_labels(interventions_of({"labels": "shuffled"}), OWN, 10, seed)


def test_shuffled_labels_are_a_permutation_that_the_seed_fixes():
    assert np.array_equal(np.bincount(shuffled(0)), np.bincount(OWN))
    assert np.array_equal(shuffled(3), shuffled(3))
    assert not np.array_equal(shuffled(3), shuffled(4))
    # Of a random permutation of ten even classes a tenth of the labels stay, with a standard deviation of 1.3 %.
    assert np.mean(shuffled(0) == OWN) == pytest.approx(0.1, abs=0.06)
    assert np.array_equal(OWN, np.repeat(np.arange(10), 50))


def test_the_labels_have_a_stream_of_their_own():
    """What else a variant draws does not move them, and another intervention leaves them as they are."""
    both = interventions_of({"labels": "shuffled", "mixup": 0.5, "gaussian_noise": 0.1})
    assert np.array_equal(changed_labels(both, OWN, 10, 3), shuffled(3))
    assert len({one.stream for one in both.values()}) == 3
    assert changed_labels(interventions_of({"mixup": 0.5}), OWN, 10, 3) is None
