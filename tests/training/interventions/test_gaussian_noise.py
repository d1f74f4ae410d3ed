import numpy as np
import scipy.stats
import torch

from filterfreq.training.interventions.gaussian_noise import add_gaussian_noise


def generator():
    return torch.Generator().manual_seed(0)


def test_noise_is_gaussian_on_half_of_the_images():
    images = torch.full((200, 3, 16, 16), 0.5)
    offset = add_gaussian_noise(images, 0.05, generator()) - images
    clean = (offset == 0).flatten(1).all(1)
    # The draw is fixed, so these bounds (four deviations of a binomial; 1 %) are never missed by chance.
    assert abs(clean.sum() - 100) <= 4 * np.sqrt(200 / 4)
    assert scipy.stats.kstest(offset[~clean].flatten()[::7] / 0.05, "norm").pvalue > 0.01
    assert not torch.equal(offset[~clean][0], offset[~clean][1])


def test_noise_is_clipped_to_the_range_of_images():
    noisy = add_gaussian_noise(torch.ones(20, 3, 8, 8), 0.5, generator())
    assert noisy.max() == 1
    assert noisy.min() >= 0
    assert (noisy < 1).any()
