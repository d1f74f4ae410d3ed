from types import SimpleNamespace

import pytest
import torch
from torch import nn

from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.results import check_rows
from filterfreq.evaluation.suites.filter_quality import run
from filterfreq.models.classifier import Classifier
from filterfreq.runtime.errors import InputError


@pytest.fixture
def classifier() -> Classifier:
    torch.manual_seed(0)
    backbone = nn.Sequential(
        *(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 6, 3)),
        *(nn.Flatten(), nn.Linear(6 * 4 * 4, 2)),
    )
    backbone[1].running_var.copy_(torch.tensor([0.1, 1, 2, 9]))
    return Classifier(backbone, [0.5] * 3, [0.2] * 3).eval()


def job_of(classifier: Classifier, settings: dict) -> SimpleNamespace:
    return SimpleNamespace(classifier=classifier, settings=settings, inputs={"record": "mine/run.json"})


def test_filters_that_say_nothing_are_refused_with_their_run(classifier):
    with torch.no_grad():
        for parameter in classifier.parameters():
            parameter.zero_()
    with pytest.raises(InputError, match=r"^mine/run\.json: all 3 x 3 filters of the model are zero"):
        run(job_of(classifier, {"batch_norm": ["separate"], "image_size": 8}))


@pytest.mark.parametrize("batch_norm", [["separate"], ["folded"], ["separate", "folded"]])
def test_each_choice_of_the_batch_normalisation_has_rows_of_its_own(classifier, batch_norm):
    # The image that passes the network has 8 pixels a side: the linear layer takes no other.
    rows = run(job_of(classifier, {"batch_norm": batch_norm, "image_size": 8}))
    check_rows(rows, "it", SUITES["filter_quality"].metrics)
    entropies = [row for row in rows if row["metric"] == "variance_entropy"]
    assert [row["parameter"] for row in entropies] == [
        f"batch_norm={choice};layer={layer};index={index};conv_depth={depth};conv_depth_norm={depth / 2}"
        for choice in batch_norm
        for index, (layer, depth) in enumerate([("0", 0), ("3", 2)])
    ]
    for row in rows:
        if row["metric"] == "layer_norm" and ";layer=0;" in row["parameter"]:
            scale = 1 / (classifier.backbone[1].running_var + 1e-5).sqrt() if "folded" in row["parameter"] else 1.0
            expected = (classifier.backbone[0].weight.detach().abs().amax(dim=(1, 2, 3)) * scale).max()
            assert row["value"] == pytest.approx(expected.item(), rel=1e-6)
