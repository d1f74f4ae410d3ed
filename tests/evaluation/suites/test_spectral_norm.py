import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from filterfreq.evaluation.registry import SUITES
from filterfreq.evaluation.results import check_rows
from filterfreq.evaluation.suites.spectral_norm import run
from filterfreq.models.classifier import Classifier
from filterfreq.models.surgery.decomposition import DCTConv2d
from filterfreq.runtime.errors import InputError


class FlatSpectrum(nn.Module):
    """A layer whose output channels are multiplied by one spectrum each, as a normalised one's are."""

    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self, images):
        return self.conv(images)

    def spectrum_scale(self, height, width):
        return torch.full((self.conv.out_channels, height + 2, (width + 2) // 2 + 1), 0.5)


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    backbone = nn.Sequential(
        *(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(), DCTConv2d(4, 6, 3, padding=1)),
        *(FlatSpectrum(nn.Conv2d(6, 4, 3, padding=1)), nn.Flatten(), nn.Linear(4 * 9, 5)),
    )
    backbone[1].running_var.copy_(torch.tensor([0.1, 1, 2, 9]))
    return Classifier(backbone, [0.5] * 3, [0.2] * 3).eval()


def measure(classifier, **settings):
    job = SimpleNamespace(
        classifier=classifier, settings={"image_size": 6, **settings}, inputs={"record": "mine/run.json"}
    )
    rows = run(job)
    check_rows(rows, "it", SUITES["spectral_norm"].metrics)
    return rows


def values_of(rows, metric, **wanted):
    """The values of some rows, in order."""
    parameters = [dict(pair.split("=") for pair in row["parameter"].split(";")) for row in rows]
    return [
        row["value"]
        for row, parameter in zip(rows, parameters, strict=True)
        if row["metric"] == metric and all(parameter[key] == value for key, value in wanted.items())
    ]


def dense_values(weight, size, **options):
    channels = weight.shape[1]
    images = torch.eye(channels * size * size, dtype=torch.float64).view(-1, channels, size, size)
    return np.linalg.svd(F.conv2d(images, weight.detach().double(), **options).flatten(1).numpy(), compute_uv=False)


def test_each_layer_is_measured_on_the_size_that_it_has(classifier):
    rows = measure(classifier, batch_norm=["separate", "folded"], boundaries=["circular", "zero"], conditioning=True)
    stem, norm, _, dct, scaled, _, linear = classifier.backbone
    of = {"batch_norm": "separate", "weight": "plain"}
    zero = values_of(rows, "spectral_norm", boundary="zero", **of)
    weights = (stem.weight, dct.composed_weight(), scaled.conv.weight)
    dense = [
        dense_values(weight, size, stride=layer, padding=1)[0]
        for weight, size, layer in zip(weights, (6, 3, 3), (2, 1, 1), strict=True)
    ]
    top = np.linalg.svd(linear.weight.detach().double().numpy(), compute_uv=False)
    assert zero == pytest.approx([*dense, top[0]], rel=1e-9)
    circular = values_of(rows, "spectral_norm", boundary="circular", **of)
    assert all(bound > exact for bound, exact in zip(circular[:3], zero[:3], strict=True))
    assert values_of(rows, "log_product_of_norms", boundary="circular", **of) == pytest.approx(
        [sum(map(math.log10, circular))]
    )
    wrapped = dense_values(F.pad(dct.composed_weight(), (0, 2, 0, 2)), 5)  # one output pixel: rows of one shift
    assert values_of(rows, "spectral_norm", boundary="circular", layer="3", **of)[0] >= wrapped[0]
    smallest = values_of(rows, "smallest_singular_value", layer="6", **of)
    assert smallest == pytest.approx([top[-1]])
    assert values_of(rows, "condition_number", layer="6", **of) == pytest.approx([top[0] / top[-1]])
    folded = stem.weight * ((norm.running_var + norm.eps).rsqrt() * norm.weight).view(-1, 1, 1, 1)
    assert values_of(rows, "spectral_norm", boundary="zero", batch_norm="folded", weight="plain", layer="0") == (
        pytest.approx([dense_values(folded, 6, stride=2, padding=1)[0]], rel=1e-6)
    )


def test_a_normalised_layer_differs_after_its_normalisation_alone(classifier):
    rows = measure(classifier, batch_norm=["separate"], boundaries=["circular", "zero"])
    plain, normalised = (
        values_of(rows, "spectral_norm", boundary="circular", weight=weight) for weight in ("plain", "normalised")
    )
    assert normalised == pytest.approx([plain[0], plain[1], plain[2] / 2, plain[3]])
    # With zeros around the image a scaled spectrum has no norm here, and so the network no product.
    assert len(values_of(rows, "spectral_norm", boundary="zero", weight="normalised")) == 3
    assert values_of(rows, "log_product_of_norms", boundary="zero", weight="normalised") == []


def test_another_padding_is_refused_with_the_run(classifier):
    classifier.backbone[0].padding_mode = "reflect"
    with pytest.raises(InputError, match=r"^mine/run\.json: layer 0 pads with 'reflect', of which no singular values"):
        measure(classifier, batch_norm=["separate"])
