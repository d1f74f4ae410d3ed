import math

import pytest
import scipy.spatial.distance
import scipy.special
import torch

from filterfreq.training.interventions.jensen_shannon import jensen_shannon


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
