"""A run's weights, an ONNX file of its model and the published layout lead to the same filters."""

from dataclasses import asdict

import numpy as np
import pytest
import torch
from oracles.filter_database import write_models
from torch import nn

from filterfreq.evaluation.filters import onnx_file
from filterfreq.evaluation.filters.database import read_models
from filterfreq.evaluation.filters.filter_layer import FilterLayer
from filterfreq.evaluation.filters.layers import filter_layers
from filterfreq.evaluation.filters.metrics import measure_layer
from filterfreq.models import registry

SIZE = 32


@pytest.fixture(params=["resnet_8", "preact_resnet_18"])
def model(request) -> nn.Module:
    torch.manual_seed(0)
    network = registry.build(request.param, 10).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network


def check_equal(found: list[FilterLayer], expected: list[FilterLayer], rtol: float) -> None:
    """The same layers in the same order, with the same measures, whatever they are called."""
    assert len(found) == len(expected) > 6
    for ours, theirs in zip(found, expected, strict=True):
        places = [(layer.index, layer.conv_depth, layer.conv_depth_norm) for layer in (ours, theirs)]
        assert places[0] == places[1], theirs.name
        np.testing.assert_allclose(ours.weights, theirs.weights, rtol=rtol, atol=0)
        measures = [asdict(measure_layer(layer)) for layer in (ours, theirs)]
        for name, value in measures[1].items():
            if isinstance(value, dict):
                value, measures[0][name] = value["scatter"], measures[0][name]["scatter"]
            np.testing.assert_allclose(measures[0][name], value, rtol=max(100 * rtol, 1e-12), atol=rtol, err_msg=name)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the exporter
def test_three_ways_lead_to_the_same_filters(model, tmp_path):
    path, images = tmp_path / "model.onnx", (torch.rand(1, 3, SIZE, SIZE),)
    separate, folded = (filter_layers(model, SIZE, fold_batch_norm=fold) for fold in (False, True))
    keep = torch.onnx.TrainingMode.PRESERVE
    torch.onnx.export(model, images, path, dynamo=False, training=keep, do_constant_folding=False)
    found = onnx_file.read_layers(path)
    check_equal(found["separate"], separate, rtol=0)
    check_equal(found["folded"], folded, rtol=1e-12)
    torch.onnx.export(model, images, path, dynamo=False)
    exported = onnx_file.read_layers(path)["folded"]
    check_equal(exported, folded, rtol=1e-6)
    write_models(tmp_path / "dataset.h5", {"m": exported})
    (stored,) = read_models(tmp_path / "dataset.h5")
    check_equal([*stored.stream_layers()], exported, rtol=0)
