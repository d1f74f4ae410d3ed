import numpy as np
import torch
from torch import nn

from filterfreq.models.classifier import Classifier
from filterfreq.models.stochastic import Draws, StochasticClassifier, draw_normal, seed_batch


def stochastic():
    return StochasticClassifier(Classifier(nn.Identity(), (0.5,), (0.2,)))


def test_a_classifier_draws_nothing_unless_it_says_so():
    plain = Classifier(nn.Identity(), (0.5,), (0.2,))
    plain.seed_draws(3, 4)
    assert not plain.is_stochastic
    assert stochastic().is_stochastic


def test_calls_are_counted_from_where_they_are_seeded():
    classifier = stochastic()
    classifier.seed_draws(3, first_image=7)
    assert [classifier.count_call() for _ in range(2)] == [Draws(3, 7, 0), Draws(3, 7, 1)]
    classifier.seed_batch(20)
    assert classifier.count_call() == Draws(3, 20, 0)


def test_a_batch_is_seeded_through_what_holds_the_classifier():
    classifier = stochastic()
    classifier.seed_draws(3)
    classifier.count_call()
    seed_batch(nn.Sequential(nn.Identity(), classifier), 12)
    assert classifier.count_call() == Draws(3, 12, 0)
    seed_batch(nn.Linear(1, 1), 12)


def test_seeds_are_those_of_the_number_of_an_image():
    draws = Draws(seed=1, first_image=10, call=2)
    seeds = draws.seeds(range(4), stream=0, count=3)
    assert np.array_equal(draws._replace(first_image=12).seeds(range(2), 0, 3), seeds[2:])
    assert np.array_equal(draws.seeds(range(4), 0, 2), seeds[:, :2])
    others = [draws._replace(seed=2), draws._replace(call=3), draws._replace(first_image=30)]
    different = np.stack([seeds, draws.seeds(range(4), 1, 3), *(one.seeds(range(4), 0, 3) for one in others)])
    assert len(np.unique(different)) == different.size


def test_each_seed_draws_of_its_own():
    seeds = np.array([[5, 6], [7, 5]])
    drawn = draw_normal(seeds, (2, 3), torch.device("cpu"))
    assert drawn.shape == (2, 2, 2, 3)
    assert torch.equal(drawn[0, 0], drawn[1, 1])
    assert torch.equal(drawn[0, 0], torch.randn(2, 3, generator=torch.Generator().manual_seed(5)))
    assert len(drawn.unique()) == 3 * 6
