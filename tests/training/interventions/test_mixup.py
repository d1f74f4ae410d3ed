import numpy as np
import scipy.stats
import torch
import torch.nn.functional as F
from torchvision.transforms import v2

from filterfreq.training.interventions.mixup import mixup


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
