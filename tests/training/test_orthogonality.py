import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from filterfreq.models.registry import build
from filterfreq.models.surgery.convolution_normalisation import normalise
from filterfreq.models.surgery.decomposition import DCTConv2d
from filterfreq.runtime.errors import InputError
from filterfreq.training.interventions.penalty import intervention
from filterfreq.training.orthogonality import (
    convolution_penalty,
    corrected_padding,
    counted_layers,
    matrix_penalty,
)

GOLDEN = Path(__file__).parents[4] / "shared" / "golden"


def check_golden(kind, penalty):
    if not GOLDEN.is_dir():
        pytest.skip(f"the golden values are not at {GOLDEN}")
    cases = json.loads((GOLDEN / "convolutional_normalization.json").read_text())[kind]
    values = np.load(GOLDEN / "convolutional_normalization.npz")
    for case in cases:
        name = f"{kind}{case['case']}"
        weight = torch.from_numpy(values[f"{name}_weight"]).requires_grad_()
        value = penalty(weight, case)
        value.backward()
        assert value.item() == pytest.approx(float(values[f"{name}_value"]), abs=1e-10)
        assert weight.grad.numpy() == pytest.approx(values[f"{name}_grad"], abs=1e-10)
    assert len(cases) >= 3


def test_golden_values_of_matrices():
    check_golden("ocnn_matrix", lambda weight, case: matrix_penalty(weight))


def test_golden_values_of_convolutions():
    def penalty(weight, case):
        return convolution_penalty(weight, (case["stride"],) * 2, (case["padding"],) * 2)

    check_golden("ocnn_convolution", penalty)


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 2), (3, 2, 2), (5, 2, 4), (5, 3, 3), (1, 2, 0)])
def test_an_isometry_has_no_penalty_with_the_corrected_padding(kernel, stride, padding):
    # One tap that maps each channel to itself keeps all lengths, where the stride does not skip it.
    weight = torch.zeros(4, 4, kernel, kernel, dtype=torch.float64)
    weight[:, :, 0, kernel // 2] = torch.eye(4)
    assert corrected_padding((kernel, kernel), (stride, stride)) == (padding, padding)
    assert convolution_penalty(weight, (stride, stride), (padding, padding)).item() == 0
    if stride == 2 and kernel == 3:
        # The released padding asks for the identity at an offset of (1, 1).
        assert convolution_penalty(weight, (2, 2), (1, 1)).item() > 1


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(4, 4, 3, stride=2)
        self.conv2 = DCTConv2d(4, 4, 3)
        self.shortcut = nn.Sequential(nn.Conv2d(4, 4, 1, stride=2))


def net():
    torch.manual_seed(0)
    model = nn.Module()
    model.conv1, model.block = nn.Conv2d(3, 4, 3), Block()
    return model


@pytest.mark.parametrize("method", ["convnorm", "oni"])
def test_layers_that_a_normalisation_holds_count_as_before(method):
    """Those of the released code, in a network whose convolutions became normalised ones."""
    network = build("resnet_8_2", 10)
    plain = [*counted_layers(network, "released")]
    normalised = [*counted_layers(normalise(network, method, 32), "released")]
    assert [name.removesuffix(".conv") for name in normalised] == plain
    assert len(plain) == 5


def test_the_penalty_is_the_sum_over_the_layers_that_count(caplog):
    model = net()
    assert [*counted_layers(model, "all")] == ["conv1", "block.conv1", "block.conv2", "block.shortcut.0"]
    assert [*counted_layers(model, "released")] == ["block.conv1", "block.shortcut.0"]
    settings = {"kind": "orthogonal", "strength": 0.5, "layers": "all", "padding": "released", "counted": "released"}
    one = intervention(settings)
    with caplog.at_level("INFO"):
        found = [one.penalty(model).item() for _ in range(2)]
    block = model.block
    expected = convolution_penalty(block.conv1.weight, (2, 2), (1, 1)) + matrix_penalty(block.shortcut[0].weight)
    assert found == pytest.approx([0.5 * expected.item()] * 2)
    assert [record.message for record in caplog.records] == [
        "the penalty orthogonal counts 2 layers: block.conv1, block.shortcut.0"
    ]
    plain = intervention({"kind": "orthogonal", "strength": 1.0, "layers": "all"}).penalty(model)
    plain.backward()
    assert block.conv2.coefficients.grad.abs().min() > 0
    composed = convolution_penalty(block.conv2.composed_weight(), (1, 1), (2, 2))
    stem = convolution_penalty(model.conv1.weight, (1, 1), (2, 2))
    strided = convolution_penalty(block.conv1.weight, (2, 2), (2, 2))
    assert plain.item() == pytest.approx((composed + stem + strided + matrix_penalty(block.shortcut[0].weight)).item())


def test_a_model_without_a_layer_that_counts_is_refused():
    with pytest.raises(InputError, match="no convolution that counts: set counted to all"):
        counted_layers(nn.Sequential(nn.Conv2d(3, 4, 3)), "released")


def test_groups_are_penalised_one_by_one():
    layer = nn.Conv2d(4, 6, 3, groups=2)
    penalty = intervention({"kind": "orthogonal", "strength": 1.0, "layers": "all"}).penalty(nn.Sequential(layer))
    first, second = layer.weight.chunk(2)
    expected = sum(convolution_penalty(one, (1, 1), (2, 2)) for one in (first, second))
    assert penalty.item() == pytest.approx(expected.item())
