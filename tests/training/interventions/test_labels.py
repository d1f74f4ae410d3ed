import numpy as np
import pytest

from filterfreq.training.intervention import changed_labels, interventions_of

OWN = np.repeat(np.arange(10), 50)
CLASSES = [str(number) for number in range(10)]


def shuffled(seed):
    return changed_labels(interventions_of({"labels": "shuffled"}), OWN, CLASSES, seed)


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
    assert np.array_equal(changed_labels(both, OWN, CLASSES, 3), shuffled(3))
    assert len({one.stream for one in both.values()}) == 3
    assert changed_labels(interventions_of({"mixup": 0.5}), OWN, CLASSES, 3) is None


CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
CIFAR100 = ["apple", "aquarium_fish", "baby", "bear", "beaver", *(str(number) for number in range(5, 100))]


def noisy(own, classes, seed=0, **settings):
    return changed_labels(interventions_of({"labels": settings}), own, classes, seed)


def test_symmetric_noise_draws_from_all_classes():
    own = np.repeat(np.arange(10), 5000)
    found = noisy(own, CLASSES, noise="symmetric", rate=0.4)
    # Of 20,000 labels drawn a tenth are the true ones: 18,000 are wrong, with a standard deviation of 42.
    assert np.count_nonzero(found != own) == pytest.approx(18_000, abs=250)
    assert np.array_equal(found, noisy(own, CLASSES, noise="symmetric", rate=0.4))
    assert not np.array_equal(found, noisy(own, CLASSES, seed=1, noise="symmetric", rate=0.4))
    # What is drawn at a lower rate is so at a higher one.
    higher = noisy(own, CLASSES, noise="symmetric", rate=0.6)
    assert np.array_equal(higher[found != own], found[found != own])
    assert np.array_equal(noisy(own, CLASSES, noise="symmetric", rate=0), own)


@pytest.mark.parametrize(("rate", "drawn"), [(0.07, 7), (0.071, 8), (0.29, 29), (1, 100)])
def test_symmetric_noise_draws_as_many_labels_as_the_rate_says_rounded_up(rate, drawn):
    """Of classes so many that no label is drawn that was there, all that are drawn change."""
    own = np.full(100, 10**9)
    classes = range(10**9 + 1)
    assert np.count_nonzero(noisy(own, classes, noise="symmetric", rate=rate) != own) == drawn


def test_asymmetric_noise_takes_classes_of_cifar10_for_others():
    own = np.repeat(np.arange(10), 50)
    found = noisy(own, CIFAR10, noise="asymmetric", rate=0.25)
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (own, found), 1)
    wanted = np.diag(np.full(10, 50))
    for old, new in (("truck", "automobile"), ("bird", "airplane"), ("cat", "dog"), ("dog", "cat"), ("deer", "horse")):
        old, new = CIFAR10.index(old), CIFAR10.index(new)
        wanted[old, [old, new]] = 37, 13  # of 50 a quarter, rounded up
    assert np.array_equal(counts, wanted)


@pytest.mark.parametrize("rate", [0.2, 0.5, 1])
def test_released_flips_bring_cats_back(rate):
    own = np.repeat(np.arange(10), 5000)
    cats = noisy(own, CIFAR10, noise="asymmetric", rate=rate, flips="released")[own == 3]
    # Of the dogs that there are then, q of all are flipped, and of cats among them about as many.
    assert np.mean(cats == 5) == pytest.approx(rate * (1 - rate), abs=0.02)
    assert np.isin(cats, (3, 5)).all()
    dogs = noisy(own, CIFAR10, noise="asymmetric", rate=rate, flips="released")[own == 5]
    assert np.mean(dogs == 3) == pytest.approx(rate, abs=0.02)


def test_asymmetric_noise_takes_classes_of_cifar100_for_the_next_of_five():
    own = np.repeat(np.arange(100), 500)
    found = noisy(own, CIFAR100, noise="asymmetric", rate=0.3)
    changed = found != own
    assert np.mean(changed) == pytest.approx(0.3, abs=0.01)
    assert np.array_equal(found[changed] // 5, own[changed] // 5)
    assert np.array_equal((found[changed] - own[changed]) % 5, np.ones(changed.sum()))


def test_asymmetric_noise_takes_other_classes_for_the_next():
    found = noisy(OWN, CLASSES, noise="asymmetric", rate=0.1)
    assert np.array_equal(np.flatnonzero(np.bincount((found - OWN) % 10)), [0, 1])
    assert np.array_equal(np.bincount(OWN[found != OWN]), np.full(10, 5))
