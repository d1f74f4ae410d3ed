"""What stands beside our numbers as published is what was published."""

import json

import pytest
from oracles.filter_rows import GOLDEN

from filterfreq.analysis.filter_statistics import DEPTH_BINS
from filterfreq.publishing.published_filters import RANK_CORRELATION, SHIFT, SHIFT_BY_DEPTH

pytestmark = pytest.mark.skipif(not GOLDEN.exists(), reason="needs the published values in ../shared")


@pytest.fixture
def published() -> dict:
    return json.loads(GOLDEN.read_text())["published"]


def test_shifts_are_the_published_ones(published):
    assert published["kl_by_depth"]["bins"] == list(DEPTH_BINS)
    for dataset, (pairs, once) in SHIFT.items():
        assert pairs == round(published["kl"]["pairs"][dataset], 4)
        assert once == round(published["kl"]["unique_models"][dataset], 4)
        assert list(SHIFT_BY_DEPTH[dataset]) == published["kl_by_depth"][dataset]


def test_correlations_are_the_published_ones_and_none_is_of_orthogonality(published):
    names = {"clean": "clean_acc", "variance_entropy": "entropy_mean", "sparsity": "sparsity_mean"}
    for dataset, known in RANK_CORRELATION.items():
        found = published["spearman_with_robust_accuracy"]["by_dataset"][dataset]
        assert known == {name: round(found[key], 3) for name, key in names.items()}
