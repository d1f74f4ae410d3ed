import math

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.special
import scipy.stats
import torch
import torch.nn.functional as F
from torchvision.transforms import v2

from filterfreq.training.objective import count_correct, jensen_shannon, mixup


def batch(n: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.rand((n, 3, 4, 4), generator=torch.Generator().manual_seed(0))
    return images.contiguous(memory_format=torch.channels_last), torch.arange(n) % 3


def test_mixup_equals_that_of_torchvision(monkeypatch):
    images, labels = batch()
    weight = np.random.default_rng(3).beta(0.4, 0.4)
    reference = v2.MixUp(alpha=0.4, num_classes=3)
    monkeypatch.setattr(reference, "make_params", lambda inputs: {"labels": labels, "batch_size": 5, "lam": weight})
    mixed, targets = mixup(images, labels, 3, 0.4, np.random.default_rng(3))
    expected = reference(images, labels)
    torch.testing.assert_close(mixed, expected[0])
    torch.testing.assert_close(targets, expected[1])
    assert mixed.is_contiguous(memory_format=torch.channels_last)
    assert mixed.dtype == targets.dtype == torch.float32


def test_weights_of_mixup_follow_the_beta_distribution():
    generator = np.random.default_rng(0)
    images = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1)
    weights = [mixup(images, torch.tensor([0, 1]), 2, 0.3, generator)[0][1].item() for _ in range(1000)]
    assert scipy.stats.kstest(weights, scipy.stats.beta(0.3, 0.3).cdf).pvalue > 0.01


def test_the_loss_of_mixed_labels_is_the_mixture_of_losses():
    """Zhang et al. 2018, whose code computes it so."""
    images, labels = batch()
    weight = np.random.default_rng(3).beta(1, 1)
    _, targets = mixup(images, labels, 3, 1, np.random.default_rng(3))
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    expected = weight * F.cross_entropy(logits, labels) + (1 - weight) * F.cross_entropy(logits, labels.roll(1))
    torch.testing.assert_close(F.cross_entropy(logits, targets), expected)


def test_jensen_shannon_equals_that_of_scipy():
    logits = torch.randn(2, 7, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    one, two = scipy.special.softmax(logits.numpy(), axis=2)
    # scipy gives the distance, the square root of the divergence.
    expected = (scipy.spatial.distance.jensenshannon(one, two, axis=1) ** 2).mean()
    assert jensen_shannon(logits).item() == pytest.approx(expected, rel=1e-12)


def test_jensen_shannon_of_three_views_has_its_extremes():
    same = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(0)).expand(3, 4, 3)
    assert jensen_shannon(same).item() == pytest.approx(0, abs=1e-6)
    disjoint = 200 * torch.eye(3).view(3, 1, 3)
    assert jensen_shannon(disjoint).item() == pytest.approx(math.log(3), rel=1e-6)


def test_correct_predictions_count_by_their_probability():
    logits = torch.tensor([[2.0, 1, 0], [0, 1, 0], [0, 0, 1]])
    assert count_correct(logits, torch.tensor([0, 2, 2])) == 2
    targets = torch.tensor([[0.75, 0.25, 0], [0.5, 0.5, 0], [1, 0, 0]])
    assert count_correct(logits, targets) == 1.25
