import numpy as np
import scipy.stats
import torch

from filterfreq.data.batches import Share
from filterfreq.training.intervention import interventions_of
from filterfreq.training.interventions.gaussian_noise_up_to import add_gaussian_noise_up_to

GREY = torch.full((20, 3, 16, 16), 0.5)


def noise_of_batches(count):
    """The noise on so many batches of grey images, as a training draws it."""
    change = interventions_of({"gaussian_noise_up_to": 0.1})["gaussian_noise_up_to"].change_images
    return [change(GREY, seed, None) - GREY for seed in range(count)]


def test_each_batch_has_gaussian_noise_of_one_deviation_and_the_deviations_are_uniform():
    """The draws are fixed, so that bounds are never missed by chance."""
    noise = noise_of_batches(100)
    deviations = np.array([one.std().item() for one in noise])
    assert scipy.stats.kstest(deviations, scipy.stats.uniform(0, 0.1).cdf).pvalue > 0.01
    strongest = noise[deviations.argmax()]
    # Of each image, with 768 values, the deviation is within 10 % of the batch's: one in ten thousand is further off.
    assert (strongest.flatten(1).std(dim=1) / deviations.max() - 1).abs().max() < 0.1
    assert scipy.stats.kstest(strongest.flatten()[::7] / deviations.max(), "norm").pvalue > 0.01
    assert not torch.equal(strongest[0], strongest[1])


def test_noise_is_clipped_to_the_range_of_images():
    noisy = add_gaussian_noise_up_to(torch.ones(20, 3, 8, 8), 1.0, torch.Generator().manual_seed(0))
    assert noisy.max() == 1
    assert noisy.min() >= 0
    assert (noisy < 1).any()


def test_a_share_of_a_batch_gets_the_noise_that_it_has_in_the_whole():
    whole = add_gaussian_noise_up_to(GREY, 0.1, torch.Generator().manual_seed(3))
    rows = torch.tensor([1, 7, 12])
    part = add_gaussian_noise_up_to(GREY[rows], 0.1, torch.Generator().manual_seed(3), Share(rows, len(GREY)))
    assert torch.equal(part, whole[rows])
